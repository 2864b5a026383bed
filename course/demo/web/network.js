"use strict";
// A trained network, step by step. A tensor is {shape, values}: of a picture [height, width,
// channels], of a list of numbers [length]; the values stand in one row, the channels of a pixel
// beside each other. A step takes tensors and its own settings and weights, and gives a tensor.

// ---- pictures

// A window moved over a picture. visit(to, from, part) is called for each pixel under it: where the
// window's answer begins in the output, where the pixel's channels begin in the input, and which
// pixel of the window it is.
function slide(input, { size, strides, padding }, channels, visit) {
  const [height, width, depth] = input.shape;
  const [rows, top] = places(height, size[0], strides[0], padding);
  const [columns, left] = places(width, size[1], strides[1], padding);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      for (let i = 0; i < size[0]; i++) {
        for (let j = 0; j < size[1]; j++) {
          const y = row * strides[0] - top + i;
          const x = column * strides[1] - left + j;
          if (y < 0 || y >= height || x < 0 || x >= width) continue; // beyond the border
          visit((row * columns + column) * channels, (y * width + x) * depth, i * size[1] + j);
        }
      }
    }
  }
}

// How many places a window has along one side, and how far the first begins outside.
function places(length, size, stride, padding) {
  if (padding === "valid") return [Math.floor((length - size) / stride) + 1, 0];
  const count = Math.ceil(length / stride);
  return [count, Math.floor(Math.max(0, (count - 1) * stride + size - length) / 2)];
}

// An empty picture to which such a window gives its answers.
function canvasFor({ shape: [height, width] }, { size, strides, padding }, channels, value = 0) {
  const [rows] = places(height, size[0], strides[0], padding);
  const [columns] = places(width, size[1], strides[1], padding);
  const values = new Float32Array(rows * columns * channels).fill(value);
  return { shape: [rows, columns, channels], values };
}

// Each output channel is the sum of all pixels under the window, times that channel's kernel.
function convolution(input, step) {
  const { kernel, bias } = step; // kernel: [rows, columns, depth, channels]
  const [depth, channels] = kernel.shape.slice(2);
  const output = canvasFor(input, step, channels);
  const [pixels, sums, weights] = [input.values, output.values, kernel.values];
  for (let to = 0; to < sums.length; to += channels) sums.set(bias.values, to);
  slide(input, step, channels, (to, from, part) => {
    for (let k = 0; k < depth; k++) {
      const pixel = pixels[from + k];
      if (pixel === 0) continue; // as most are, after a ReLU
      const row = (part * depth + k) * channels;
      for (let c = 0; c < channels; c++) sums[to + c] += pixel * weights[row + c];
    }
  });
  return output;
}

function maxPool(input, step) {
  const channels = input.shape[2];
  const output = canvasFor(input, step, channels, -Infinity);
  const [pixels, most] = [input.values, output.values];
  slide(input, step, channels, (to, from) => {
    for (let c = 0; c < channels; c++) {
      if (pixels[from + c] > most[to + c]) most[to + c] = pixels[from + c];
    }
  });
  return output;
}

function averagePool(input, step) {
  const channels = input.shape[2];
  const output = canvasFor(input, step, channels);
  const counts = new Float32Array(output.values.length); // pixels that lie inside
  slide(input, step, channels, (to, from) => {
    for (let c = 0; c < channels; c++) {
      output.values[to + c] += input.values[from + c];
      counts[to + c] += 1;
    }
  });
  return { ...output, values: output.values.map((sum, i) => sum / counts[i]) };
}

// Zeros around a picture: padding is [[above, below], [left, right]].
function pad(input, { padding: [[above, below], [left, right]] }) {
  const [height, width, channels] = input.shape;
  const shape = [above + height + below, left + width + right, channels];
  const values = new Float32Array(shape[0] * shape[1] * channels);
  for (let row = 0; row < height; row++) {
    const pixels = input.values.subarray(row * width * channels, (row + 1) * width * channels);
    values.set(pixels, ((above + row) * shape[1] + left) * channels);
  }
  return { shape, values };
}

// ---- numbers

function dense(input, { kernel, bias }) {
  const width = bias.values.length; // kernel: [input's length, width]
  const sums = Float32Array.from(bias.values);
  input.values.forEach((value, i) => {
    for (let k = 0; k < width; k++) sums[k] += value * kernel.values[i * width + k];
  });
  return { shape: [width], values: sums };
}

// Channel by channel, with what was learned of each.
function normalize(input, { mean, factor, offset }) {
  const channels = mean.values.length;
  const values = input.values.map((value, i) => {
    const c = i % channels;
    return (value - mean.values[c]) * factor.values[c] + offset.values[c];
  });
  return { ...input, values };
}

function scale(input, { factor, offset }) {
  return { ...input, values: input.values.map((value) => value * factor + offset) };
}

// Any numbers as probabilities: all positive, together 1.
function softmax(input) {
  const largest = input.values.reduce((a, b) => Math.max(a, b));
  const powers = input.values.map((value) => Math.exp(value - largest));
  const total = powers.reduce((a, b) => a + b);
  return { ...input, values: powers.map((power) => power / total) };
}

function flatten(input) {
  return { shape: [input.values.length], values: input.values };
}

function concatenate(...inputs) {
  inputs.pop(); // the step: it has no settings
  const values = Float32Array.from(inputs.flatMap((input) => Array.from(input.values)));
  return { shape: [values.length], values };
}

// A word as zeros and a one; the first place is for a word that is not known.
function oneHot(input, { words }) {
  const values = new Float32Array(words.length + 1);
  values[words.indexOf(input.values[0]) + 1] = 1;
  return { shape: [values.length], values };
}

const STEPS = {
  convolution,
  dense,
  normalize,
  scale,
  softmax,
  flatten,
  concatenate,
  pad,
  max_pool: maxPool,
  average_pool: averagePool,
  one_hot: oneHot,
};

// Functions of single numbers, taken for each of them; the constants of selu are its paper's.
const EACH = {
  add: (a, b) => a + b,
  cos: Math.cos,
  divide: (a, b) => a / b,
  elu: (x) => (x > 0 ? x : Math.expm1(x)),
  exponential: Math.exp,
  gelu: (x) => (x * (1 + erf(x / Math.SQRT2))) / 2,
  is_missing: (x) => Number(Number.isNaN(x)),
  leaky_relu: (x) => (x > 0 ? x : 0.2 * x),
  log1p: Math.log1p,
  multiply: (a, b) => a * b,
  relu: (x) => Math.max(x, 0),
  relu6: (x) => Math.min(Math.max(x, 0), 6),
  selu: (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x)),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  silu: (x) => x / (1 + Math.exp(-x)),
  sin: Math.sin,
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  softsign: (x) => x / (1 + Math.abs(x)),
  subtract: (a, b) => a - b,
  tanh: Math.tanh,
  where: (condition, a, b) => (condition ? a : b),
};

// To 1.5e-7. Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26.
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const sum = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return Math.sign(x) * (1 - sum * Math.exp(-x * x));
}

function each(calculate, tensors) {
  const { shape, values } = tensors.find((tensor) => tensor.shape);
  const read = (tensor, i) => (tensor.shape ? tensor.values[i] : tensor);
  return { shape, values: values.map((_, i) => calculate(...tensors.map((tensor) => read(tensor, i)))) };
}

// ---- the network

// Takes all steps: `values` are the inputs by name, and each step adds its own answer.
function forward(steps, values) {
  for (const step of steps) {
    const taken = step.of.map((name) => (typeof name === "number" ? name : values[name]));
    values[step.name] =
      step.kind in EACH ? each(EACH[step.kind], taken) : STEPS[step.kind](...taken, step);
  }
  return values[steps.at(-1).name].values;
}

// The network that setup carries. ask(input) takes a picture's levels of 0 to 255 and gives the
// probabilities, or takes {column: value} and gives a number.
function localNetwork({ network, card }) {
  const bytes = Uint8Array.from(atob(network.weights), (letter) => letter.charCodeAt(0));
  const weights = new Float32Array(bytes.buffer);
  const steps = network.steps.map((step) => withWeights(step, weights));
  const [{ name, shape }] = card.inputs;
  return {
    async ask(input) {
      if (shape.length === 1) return forward(steps, columnsOf(input))[0];
      return forward(steps, { [name]: { shape, values: Float32Array.from(input) } });
    },
  };
}

// A step whose weights are tensors, in place of where they lie.
function withWeights(step, weights) {
  const read = ({ offset, shape }) => {
    const length = shape.reduce((a, b) => a * b, 1);
    return { shape, values: weights.subarray(offset, offset + length) };
  };
  const entries = Object.entries(step).map(([key, value]) => [key, value.shape ? read(value) : value]);
  return Object.fromEntries(entries);
}

// A table's row as tensors of one value each. What is missing is null, as in JSON.
function columnsOf(row) {
  const tensor = (value) => (typeof value === "string" ? [value] : Float32Array.of(value ?? NaN));
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, { shape: [1], values: tensor(value) }]),
  );
}
