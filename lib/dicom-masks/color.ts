/** Colors of segments in CIELab (PS3.3 C.10.7.1.1). */
import type { Color } from "./codes.js";

/** sRGB to XYZ, of the white D65, which dcmqi and the viewers on dcmjs take as well. */
const toXyz = [
  [0.4124564, 0.3575761, 0.1804375],
  [0.2126729, 0.7151522, 0.072175],
  [0.0193339, 0.119192, 0.9503041],
] as const;
const white = [0.95047, 1, 1.08883] as const;

/** Three numbers of 16 bits: L* from 0 to 100, a* and b* from −128 to 127. */
export function cieLab(color: Color): [number, number, number] {
  const linear = color.map((channel) => {
    const value = channel / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  const [x, y, z] = toXyz.map((row, i) => {
    const value = row.reduce((sum, factor, j) => sum + factor * (linear[j] as number), 0);
    const share = value / (white[i] as number);
    return share > 216 / 24389 ? Math.cbrt(share) : ((24389 / 27) * share + 16) / 116;
  }) as [number, number, number];
  const coded = (value: number) => Math.max(0, Math.min(65535, Math.round(value)));
  return [
    coded(((116 * y - 16) * 65535) / 100),
    coded((500 * (x - y) + 128) * 257),
    coded((200 * (y - z) + 128) * 257),
  ];
}
