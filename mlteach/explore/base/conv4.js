// Conv-4 in float64, as nets/conv4.py has it with blocks that halve by stride. A view that runs the network imports it beside base.js.
const BLOCKS = 4, EPSILON = 1e-5;

/** @typedef {{kernel: Float64Array, gamma: Float64Array, beta: Float64Array, inputs: number}} Block */
/** @typedef {{factor: Float64Array, shift: Float64Array}[]} Statistics  batch norm of each block, as a factor and a shift for each filter */

/** The body's blocks. A kernel is turned from [filters, inputs, 3, 3] to [9, inputs, filters]: the innermost loop runs along it.
 * @param {DataView} view  for each block the kernel, gamma and beta, little-endian Float32 @param {number} filters @returns {Block[]} */
export function bodyOf(view, filters) {
  let at = 0;
  const take = (n) => Float64Array.from({ length: n }, () => view.getFloat32(4 * at++, true));
  return Array.from({ length: BLOCKS }, (_, b) => {
    const inputs = b ? filters : 1, given = take(filters * inputs * 9), kernel = new Float32Array(given.length);
    for (let o = 0; o < filters; o++) for (let c = 0; c < inputs; c++) for (let t = 0; t < 9; t++)
      kernel[(t * inputs + c) * filters + o] = given[(o * inputs + c) * 9 + t];
    return { kernel, inputs, gamma: take(filters), beta: take(filters) };
  });
}

/** 3 x 3 convolution with stride 2 and padding 1; pictures are [side, side, inputs]. Zeros, which are most inputs, cost
 * nothing: the others under the kernel are listed once, then eight filters at a time sum over the list. */
function convolve(x, side, { kernel, inputs }, filters) {
  const half = (side + 1) >> 1, out = new Float64Array(half * half * filters);
  const values = new Float64Array(9 * inputs), places = new Int32Array(9 * inputs);
  for (let i = 0; i < half; i++) for (let j = 0; j < half; j++) {
    let n = 0;
    for (let a = Math.max(0, 1 - 2 * i); a < 3 && 2 * i + a <= side; a++) for (let b = Math.max(0, 1 - 2 * j); b < 3 && 2 * j + b <= side; b++) {
      const from = ((2 * i + a - 1) * side + 2 * j + b - 1) * inputs, tap = (a * 3 + b) * inputs;
      for (let c = 0; c < inputs; c++) if (x[from + c] !== 0) {
        values[n] = x[from + c];
        places[n++] = (tap + c) * filters;
      }
    }
    const to = (i * half + j) * filters;
    let o = 0;
    for (; o + 8 <= filters; o += 8) {
      let s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
      for (let m = 0; m < n; m++) {
        const v = values[m], k = places[m] + o;
        s0 += v * kernel[k]; s1 += v * kernel[k + 1]; s2 += v * kernel[k + 2]; s3 += v * kernel[k + 3];
        s4 += v * kernel[k + 4]; s5 += v * kernel[k + 5]; s6 += v * kernel[k + 6]; s7 += v * kernel[k + 7];
      }
      const t = to + o;
      out[t] = s0; out[t + 1] = s1; out[t + 2] = s2; out[t + 3] = s3; out[t + 4] = s4; out[t + 5] = s5; out[t + 6] = s6; out[t + 7] = s7;
    }
    for (; o < filters; o++) for (let m = 0; m < n; m++) out[to + o] += values[m] * kernel[places[m] + o];
  }
  return out;
}

/** Batch norm by the statistics of these pictures. @param {Float64Array[]} batch @param {Block} block */
function statisticsOf(batch, { gamma, beta }) {
  const filters = gamma.length, count = (batch.length * batch[0].length) / filters;
  const mean = new Float64Array(filters), square = new Float64Array(filters);
  for (const x of batch) for (let k = 0; k < x.length; k += filters) for (let o = 0; o < filters; o++) mean[o] += x[k + o];
  for (let o = 0; o < filters; o++) mean[o] /= count;
  for (const x of batch) for (let k = 0; k < x.length; k += filters) for (let o = 0; o < filters; o++) square[o] += (x[k + o] - mean[o]) ** 2;
  const factor = square.map((sum, o) => gamma[o] / Math.sqrt(sum / count + EPSILON));
  return { factor, shift: factor.map((f, o) => beta[o] - mean[o] * f) };
}

/** What the body says of pictures: a row of features each; and the statistics its batch norm used.
 * @param {Block[]} body @param {Uint8Array[]} pictures @param {string} head  "flatten" or "mean" @param {Statistics} [given]  else those of the pictures
 * @returns {{rows: Float64Array[], statistics: Statistics}} */
export function features(body, pictures, head, given) {
  const filters = body[0].gamma.length, statistics = [];
  let side = Math.sqrt(pictures[0].length), batch = pictures.map((picture) => Float64Array.from(picture, (v) => v / 255));
  body.forEach((block, b) => {
    batch = batch.map((x) => convolve(x, side, block, filters));
    side = (side + 1) >> 1;
    const { factor, shift } = (statistics[b] = given ? given[b] : statisticsOf(batch, block));
    for (const x of batch) for (let k = 0; k < x.length; k += filters) for (let o = 0; o < filters; o++) {
      const value = x[k + o] * factor[o] + shift[o];
      x[k + o] = value > 0 ? value : 0;
    }
  });
  const places = side * side;
  if (head === "mean") batch = batch.map((x) => Float64Array.from({ length: filters }, (_, o) => { // over the last map
    let sum = 0;
    for (let p = 0; p < places; p++) sum += x[p * filters + o];
    return sum / places;
  }));
  return { rows: batch, statistics };
}
