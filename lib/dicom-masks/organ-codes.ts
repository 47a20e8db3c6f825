/** Codes, colors and other names of organs: those of the phantoms, StructSeg, WORD and OpenKBP. */

/** One organ, or a pair of them. */
export interface CodedOrgan {
  /** Its name in this package, without a side. */
  name: string;
  /** SNOMED CT's concept of the structure, without a side, and its meaning. */
  code: string;
  meaning: string;
  /** Red, green and blue, 0 to 255, of the one organ, */
  color?: readonly [number, number, number];
  /** or of the left and the right one. */
  colors?: readonly [
    left: readonly [number, number, number],
    right: readonly [number, number, number],
  ];
  /** Whether the name means both sides together. */
  both?: true;
  /** Other names, without a side. */
  aliases?: readonly string[];
}

export const codedOrgans: readonly CodedOrgan[] = [
  {
    name: "eye",
    code: "81745001",
    meaning: "Eye",
    colors: [
      [90, 170, 255],
      [64, 122, 183],
    ],
    aliases: ["eyeball"],
  },
  {
    name: "lens",
    code: "78076003",
    meaning: "Lens",
    colors: [
      [170, 220, 255],
      [122, 158, 183],
    ],
  },
  {
    name: "optic_nerve",
    code: "18234004",
    meaning: "Optic nerve",
    colors: [
      [255, 210, 60],
      [183, 151, 43],
    ],
    aliases: ["optical_nerve"],
  },
  {
    name: "optic_chiasm",
    code: "244453006",
    meaning: "Optic chiasm",
    color: [99, 106, 24],
    aliases: ["optical_chiasma", "chiasm"],
  },
  {
    name: "pituitary",
    code: "56329008",
    meaning: "Pituitary",
    color: [57, 157, 110],
    aliases: ["pituitary_gland"],
  },
  {
    name: "brain_stem",
    code: "119238007",
    meaning: "Brain stem",
    color: [200, 120, 190],
    aliases: ["brainstem"],
  },
  {
    name: "temporal_lobe",
    code: "78277001",
    meaning: "Temporal lobe",
    colors: [
      [216, 140, 180],
      [155, 100, 129],
    ],
    aliases: ["temporal_lobes"],
  },
  { name: "spinal_cord", code: "2748008", meaning: "Spinal cord", color: [244, 214, 49] },
  {
    name: "parotid_gland",
    code: "45289007",
    meaning: "Parotid gland",
    colors: [
      [120, 200, 120],
      [86, 144, 86],
    ],
    aliases: ["parotid"],
  },
  {
    name: "inner_ear",
    code: "22945000",
    meaning: "Inner ear",
    colors: [
      [200, 150, 90],
      [144, 108, 64],
    ],
  },
  {
    name: "middle_ear",
    code: "25342003",
    meaning: "Middle ear",
    colors: [
      [230, 180, 120],
      [165, 129, 86],
    ],
  },
  {
    name: "temporomandibular_joint",
    code: "53620006",
    meaning: "Temporomandibular joint",
    colors: [
      [210, 210, 150],
      [151, 151, 108],
    ],
    aliases: ["tm_joint"],
  },
  {
    name: "mandible",
    code: "91609006",
    meaning: "Mandible",
    color: [222, 198, 101],
    colors: [
      [222, 198, 101],
      [159, 142, 72],
    ],
  },
  { name: "liver", code: "10200004", meaning: "Liver", color: [221, 130, 101] },
  { name: "spleen", code: "78961009", meaning: "Spleen", color: [157, 108, 162] },
  {
    name: "kidney",
    code: "64033007",
    meaning: "Kidney",
    colors: [
      [185, 102, 83],
      [133, 73, 59],
    ],
  },
  { name: "stomach", code: "69695003", meaning: "Stomach", color: [216, 132, 105] },
  {
    name: "gallbladder",
    code: "28231008",
    meaning: "Gallbladder",
    color: [139, 150, 98],
    aliases: ["gall_bladder"],
  },
  {
    name: "esophagus",
    code: "32849002",
    meaning: "Esophagus",
    color: [211, 171, 143],
    aliases: ["oesophagus"],
  },
  { name: "pancreas", code: "15776009", meaning: "Pancreas", color: [249, 180, 111] },
  { name: "duodenum", code: "38848004", meaning: "Duodenum", color: [255, 253, 229] },
  { name: "colon", code: "71854001", meaning: "Colon", color: [204, 168, 143] },
  {
    name: "intestine",
    code: "30315005",
    meaning: "Small intestine",
    color: [205, 167, 142],
    aliases: ["small_bowel", "small_intestine"],
  },
  {
    name: "adrenal_gland",
    code: "23451007",
    meaning: "Adrenal gland",
    color: [241, 172, 34],
    both: true,
    aliases: ["adrenal", "adrenal_glands"],
  },
  { name: "rectum", code: "34402009", meaning: "Rectum", color: [150, 60, 90] },
  {
    name: "urinary_bladder",
    code: "89837001",
    meaning: "Bladder",
    color: [222, 154, 132],
    aliases: ["bladder"],
  },
  {
    name: "femoral_head",
    code: "2812003",
    meaning: "Femoral head",
    colors: [
      [240, 230, 190],
      [172, 165, 136],
    ],
    aliases: ["head_of_femur"],
  },
  { name: "brain", code: "12738006", meaning: "Brain", color: [250, 250, 225] },
  { name: "spinal_canal", code: "61853006", meaning: "Vertebral canal", color: [250, 230, 120] },
  { name: "trachea", code: "44567001", meaning: "Trachea", color: [182, 228, 255] },
  {
    name: "lung",
    code: "39607008",
    meaning: "Lung",
    colors: [
      [197, 165, 145],
      [141, 118, 104],
    ],
  },
  { name: "heart", code: "80891009", meaning: "Heart", color: [206, 110, 84] },
  { name: "aorta", code: "15825003", meaning: "Aorta", color: [224, 97, 76] },
];
