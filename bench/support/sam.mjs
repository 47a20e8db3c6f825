/** SAM with ViT-B's sizes for the benchmarks: its number of operations, and a checkpoint with random weights. */
import { writeRandomTensors } from "./safetensors.mjs";

const width = 768;
const depth = 12;
const heads = 12;
const patch = 16;
const grid = 64;
const window = 14;
const globalBlocks = [2, 5, 8, 11];
const channels = 256;
export const imageSize = grid * patch;

/** Multiplications and additions of the image encoder for one slice, without the padding of windows. */
export function encoderFlops() {
  const tokens = grid ** 2;
  const linear = 2 * tokens * 12 * width ** 2;
  const attention = (keys, extent) => 4 * tokens * keys * width + 4 * tokens * extent * width;
  const blocks = Array.from({ length: depth }, (_, i) =>
    globalBlocks.includes(i) ? attention(tokens, grid) : attention(window ** 2, window),
  );
  const embedding = 2 * tokens * patch ** 2 * width;
  const neck = 2 * tokens * (width * channels + 9 * channels ** 2);
  return embedding + neck + depth * linear + blocks.reduce((a, b) => a + b, 0);
}

/** Writes a checkpoint under the official names, the same for the same seed. */
export function writeSamCheckpoint(path, seed = 1) {
  writeRandomTensors(path, [...encoder(), ...promptEncoder(), ...decoder()], seed);
}

const weight = (name, shape, inputs) => ({ name, shape, bound: Math.sqrt(1 / inputs) });
const bias = (name, count) => ({ name, shape: [count], bound: 0.05 });

function linear(name, out, inputs) {
  return [weight(`${name}.weight`, [out, inputs], inputs), bias(`${name}.bias`, out)];
}

function norm(name, count) {
  return [
    { name: `${name}.weight`, shape: [count], bound: 0.1, middle: 1 },
    bias(`${name}.bias`, count),
  ];
}

function encoder() {
  const root = "image_encoder";
  const blocks = Array.from({ length: depth }, (_, i) => {
    const name = `${root}.blocks.${i}`;
    const rows = 2 * (globalBlocks.includes(i) ? grid : window) - 1;
    const table = (axis) => ({
      name: `${name}.attn.rel_pos_${axis}`,
      shape: [rows, width / heads],
      bound: 0.1,
    });
    return [
      ...norm(`${name}.norm1`, width),
      ...linear(`${name}.attn.qkv`, 3 * width, width),
      ...linear(`${name}.attn.proj`, width, width),
      ...[table("h"), table("w")],
      ...norm(`${name}.norm2`, width),
      ...linear(`${name}.mlp.lin1`, 4 * width, width),
      ...linear(`${name}.mlp.lin2`, width, 4 * width),
    ];
  });
  return [
    weight(`${root}.patch_embed.proj.weight`, [width, 3, patch, patch], 3 * patch ** 2),
    bias(`${root}.patch_embed.proj.bias`, width),
    { name: `${root}.pos_embed`, shape: [1, grid, grid, width], bound: 0.1 },
    ...blocks.flat(),
    weight(`${root}.neck.0.weight`, [channels, width, 1, 1], width),
    ...norm(`${root}.neck.1`, channels),
    weight(`${root}.neck.2.weight`, [channels, channels, 3, 3], 9 * channels),
    ...norm(`${root}.neck.3`, channels),
  ];
}

function promptEncoder() {
  const root = "prompt_encoder";
  const embedding = (name) => ({ name: `${root}.${name}.weight`, shape: [1, channels], bound: 1 });
  const down = `${root}.mask_downscaling`;
  return [
    {
      name: `${root}.pe_layer.positional_encoding_gaussian_matrix`,
      shape: [2, channels / 2],
      bound: 1,
    },
    ...[0, 1, 2, 3].map((i) => embedding(`point_embeddings.${i}`)),
    ...[embedding("not_a_point_embed"), embedding("no_mask_embed")],
    ...[weight(`${down}.0.weight`, [4, 1, 2, 2], 4), bias(`${down}.0.bias`, 4)],
    ...norm(`${down}.1`, 4),
    ...[weight(`${down}.3.weight`, [16, 4, 2, 2], 16), bias(`${down}.3.bias`, 16)],
    ...norm(`${down}.4`, 16),
    ...[weight(`${down}.6.weight`, [channels, 16, 1, 1], 16), bias(`${down}.6.bias`, channels)],
  ];
}

function decoder() {
  const root = "mask_decoder";
  const attention = (name, inner) => [
    ...["q_proj", "k_proj", "v_proj"].flatMap((part) => linear(`${name}.${part}`, inner, channels)),
    ...linear(`${name}.out_proj`, channels, inner),
  ];
  const layer = (i) => {
    const name = `${root}.transformer.layers.${i}`;
    return [
      ...attention(`${name}.self_attn`, channels),
      ...attention(`${name}.cross_attn_token_to_image`, channels / 2),
      ...attention(`${name}.cross_attn_image_to_token`, channels / 2),
      ...linear(`${name}.mlp.lin1`, 2048, channels),
      ...linear(`${name}.mlp.lin2`, channels, 2048),
      ...[1, 2, 3, 4].flatMap((k) => norm(`${name}.norm${k}`, channels)),
    ];
  };
  const mlp = (name, out) => [
    ...linear(`${name}.layers.0`, channels, channels),
    ...linear(`${name}.layers.1`, channels, channels),
    ...linear(`${name}.layers.2`, out, channels),
  ];
  const up = `${root}.output_upscaling`;
  return [
    ...[...layer(0), ...layer(1)],
    ...attention(`${root}.transformer.final_attn_token_to_image`, channels / 2),
    ...norm(`${root}.transformer.norm_final_attn`, channels),
    { name: `${root}.iou_token.weight`, shape: [1, channels], bound: 1 },
    { name: `${root}.mask_tokens.weight`, shape: [4, channels], bound: 1 },
    ...[weight(`${up}.0.weight`, [channels, 64, 2, 2], channels), bias(`${up}.0.bias`, 64)],
    ...norm(`${up}.1`, 64),
    ...[weight(`${up}.3.weight`, [64, 32, 2, 2], 64), bias(`${up}.3.bias`, 32)],
    ...[0, 1, 2, 3].flatMap((i) => mlp(`${root}.output_hypernetworks_mlps.${i}`, 32)),
    ...mlp(`${root}.iou_prediction_head`, 4),
  ];
}
