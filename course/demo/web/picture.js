"use strict";
// Pictures as the network sees them: the same steps as course/datasets/pictures.py, number by
// number. A picture is {pixels, height, width, channels}: levels of 0 to 255, row after row; one
// channel is grey, three are red, green and blue.

const MOST_PIXELS = 64000000;
const SMALLEST = 8; // pixels a side: below that no digit and no hand can be recognised
const LONGEST = 256; // pixels of a page in which a digit is looked for; 20 of them are kept
const LEAST_CONTRAST = 8; // of a photograph's 255 levels; with less nothing is to be seen in it
const LIGHT = 191; // a chalk's level, of 255; ink of at most this can be seen on white paper

// ---- a file

// What the network takes of a picture's file: {pixels, height, width, channels}.
async function preparePicture(file, card) {
  const bitmap = await openPicture(file);
  const made = prepared(bitmap, card);
  bitmap.close();
  return made;
}

// A bitmap, or a video's frame, as the card says that the network takes it.
function prepared(source, card) {
  const [height, width, channels] = card.inputs[0].shape;
  if (card.preparation === "photo") {
    return preparePhoto(levelsOf(source, channels), height, width);
  }
  if (card.preparation === "square") return prepareSquare(levelsOf(source, channels), height);
  const digit = prepareDigit(levelsOf(source, 1)); // a digit is grey, in any network
  return { ...digit, pixels: repeated(digit.pixels, channels), channels };
}

// Decoded by the browser, upright, with its colours as the file has them.
async function openPicture(file) {
  const asTheyAre = { imageOrientation: "from-image", colorSpaceConversion: "none" };
  const bitmap = await createImageBitmap(file, asTheyAre).catch(() => {
    throw new Error(t("not_a_picture"));
  });
  const { width, height } = bitmap;
  if (Math.min(width, height) < SMALLEST) throw new Error(t("picture_too_small", width, height));
  if (width * height > MOST_PIXELS) throw new Error(t("picture_too_large", width, height));
  return bitmap;
}

// The levels of what can be drawn on a canvas.
function levelsOf(source, channels) {
  const width = source.videoWidth || source.width;
  const height = source.videoHeight || source.height;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(source, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const paper = paperUnder(data);
  const pixels = new Uint8Array(width * height * channels);
  for (let i = 0; i < width * height; i++) {
    const alpha = data[4 * i + 3];
    const on = (level) => Math.round((level * alpha + paper * (255 - alpha)) / 255);
    const color = [on(data[4 * i]), on(data[4 * i + 1]), on(data[4 * i + 2])];
    if (channels === 1) pixels[i] = luminance(...color);
    else pixels.set(color, 3 * i);
  }
  return { pixels, height, width, channels };
}

function luminance(red, green, blue) {
  return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
}

// What lies behind a transparent picture: white, or black where only light ink was drawn.
function paperUnder(data) {
  let darkest = 256;
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3] > 127) {
      darkest = Math.min(darkest, luminance(data[i], data[i + 1], data[i + 2]));
    }
  }
  return darkest > LIGHT && darkest < 256 ? 0 : 255;
}

// One grey channel as the network's one or three.
function repeated(pixels, channels) {
  if (channels === 1) return pixels;
  return Uint8Array.from({ length: pixels.length * channels }, (_, i) => pixels[Math.floor(i / channels)]);
}

// ---- a photograph

// The middle part of a picture that has the network's shape: {left, top, width, height}.
function middleOf(picture, height, width) {
  const scale = Math.min(picture.height / height, picture.width / width);
  // no more than there is: 29 / 28 * 28 is 29.000000000000004
  const box = {
    width: Math.min(scale * width, picture.width),
    height: Math.min(scale * height, picture.height),
  };
  return { ...box, left: (picture.width - box.width) / 2, top: (picture.height - box.height) / 2 };
}

function preparePhoto(picture, height, width) {
  const photo = resize(picture, height, width, middleOf(picture, height, width));
  checkContrast(photo);
  return photo;
}

function checkContrast({ pixels }) {
  const [darkest, lightest] = [Math.min, Math.max].map((of) => pixels.reduce((a, b) => of(a, b)));
  if (lightest - darkest < LEAST_CONTRAST) throw new Error(t("one_gray", lightest - darkest));
}

// ---- a picture as a whole

// In the middle of a square of `size` pixels, its aspect kept, black around it.
function prepareSquare(picture, size) {
  const { channels } = picture;
  const longest = Math.max(picture.height, picture.width);
  const [height, width] = [picture.height, picture.width].map((side) =>
    Math.max(1, roundEven((side * size) / longest)),
  );
  const small = resize(picture, height, width);
  checkContrast(small);
  const [top, left] = [size - height, size - width].map((rest) => Math.floor(rest / 2));
  const pixels = new Uint8Array(size * size * channels);
  for (let y = 0; y < height; y++) {
    const row = small.pixels.subarray(y * width * channels, (y + 1) * width * channels);
    pixels.set(row, ((top + y) * size + left) * channels);
  }
  return { pixels, height: size, width: size, channels };
}

// The square around a picture that the network is given: {left, top, width, height}.
function squareAround({ height, width }) {
  const side = Math.max(height, width);
  return { left: (width - side) / 2, top: (height - side) / 2, width: side, height: side };
}

// ---- a digit

// A page with one digit, by camera, scanner or drawing program.
function prepareDigit(page) {
  const scale = LONGEST / Math.max(page.height, page.width);
  const side = (pixels) => Math.max(1, roundEven(scale * pixels));
  const small = scale < 1 ? resize(page, side(page.height), side(page.width)) : page;
  return centerDigit(thicken(findInk(small)));
}

// As MNIST's makers did: the ink's box is brought into 20×20 and lies in 28×28 with its centre of
// mass in the middle. Ink is 0 for paper, its maximum is full ink. `frame` says where those 28×28
// lie on the drawing.
function centerDigit(ink) {
  const peak = ink.pixels.reduce((most, level) => Math.max(most, level), 0);
  if (peak === 0) return { pixels: new Uint8Array(28 * 28), height: 28, width: 28, frame: null };
  const box = inkBox(ink, Math.fround(Math.fround(0.1) * peak));
  const digit = { pixels: new Uint8Array(box.height * box.width), height: box.height, width: box.width };
  for (let y = 0; y < box.height; y++) {
    for (let x = 0; x < box.width; x++) {
      const level = ink.pixels[(box.top + y) * ink.width + box.left + x];
      digit.pixels[y * box.width + x] = roundEven(Math.fround(255 * Math.fround(level / peak)));
    }
  }
  const scale = 20 / Math.max(box.height, box.width);
  const [height, width] = [box.height, box.width].map((side) => Math.max(1, roundEven(side * scale)));
  const { top, left, ...centered } = place(resize(digit, height, width));
  const [dy, dx] = [box.height / height, box.width / width]; // of a pixel of the 28×28, on the drawing
  const frame = { left: box.left - left * dx, top: box.top - top * dy, width: 28 * dx, height: 28 * dy };
  return { ...centered, frame };
}

function inkBox({ pixels, height, width }, threshold) {
  let [top, left, bottom, right] = [height, width, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (pixels[y * width + x] > threshold) {
        [top, bottom] = [Math.min(top, y), Math.max(bottom, y + 1)];
        [left, right] = [Math.min(left, x), Math.max(right, x + 1)];
      }
    }
  }
  return { top, left, height: bottom - top, width: right - left };
}

// Put a digit of at most 20×20 into 28×28 with its centre of mass at pixel (14, 14).
function place({ pixels, height, width }) {
  let [mass, down, across] = [0, 0, 0];
  pixels.forEach((level, i) => {
    mass += level;
    down += level * Math.floor(i / width);
    across += level * (i % width);
  });
  const corner = (center, side) => Math.min(Math.max(roundEven(14 - center), 0), 28 - side);
  const [top, left] = [corner(down / mass, height), corner(across / mass, width)];
  const canvas = new Uint8Array(28 * 28);
  for (let y = 0; y < height; y++) {
    canvas.set(pixels.subarray(y * width, (y + 1) * width), (top + y) * 28 + left);
  }
  return { pixels: canvas, height: 28, width: 28, top, left };
}

// ---- another size, as Pillow does it: across and down one after the other, whole levels after each

const BOX = { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) };
const BICUBIC = {
  support: 2,
  weight(x) {
    const d = Math.abs(x);
    if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
    return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
  },
};

// Averages areas on the way down, interpolates upwards. What loses far more rows than columns goes
// down first, as in Pillow 13.
function resize(picture, height, width, box = { left: 0, top: 0, ...picture }) {
  const shrinks = box.width >= width && box.height >= height;
  const filter = shrinks ? BOX : BICUBIC;
  const across = shares(picture.width, box.left, box.left + box.width, width, filter);
  const down = shares(picture.height, box.top, box.top + box.height, height, filter);
  const rows = picture.height - height;
  const downFirst = rows > 0 && rows > 2 * (picture.width - width);
  return downFirst
    ? resizeAcross(resizeDown(picture, down), across)
    : resizeDown(resizeAcross(picture, across), down);
}

function resizeAcross({ pixels, height, width, channels = 1 }, across) {
  const row = across.length * channels;
  const made = new Uint8Array(height * row);
  for (let y = 0; y < height; y++) {
    for (let i = 0; i < row; i++) {
      const start = y * width * channels + (i % channels);
      made[y * row + i] = weighed(pixels, start, channels, across[Math.floor(i / channels)]);
    }
  }
  return { pixels: made, height, width: across.length, channels };
}

function resizeDown({ pixels, width, channels = 1 }, down) {
  const row = width * channels;
  const made = new Uint8Array(down.length * row);
  for (let y = 0; y < down.length; y++) {
    for (let i = 0; i < row; i++) made[y * row + i] = weighed(pixels, i, row, down[y]);
  }
  return { pixels: made, height: down.length, width, channels };
}

// For each new pixel of a row: the first old one that it covers, and the share of each, in 2^-22.
function shares(size, from, to, count, filter) {
  [from, to] = [Math.fround(from), Math.fround(to)];
  const step = Math.fround(to - from) / count;
  const stretch = Math.max(step, 1);
  return Array.from({ length: count }, (_, i) => {
    const center = from + (i + 0.5) * step;
    const first = Math.max(0, Math.trunc(center - filter.support * stretch + 0.5));
    const last = Math.min(size, Math.trunc(center + filter.support * stretch + 0.5));
    const length = last - first;
    const weights = Array.from({ length }, (_, k) => filter.weight((k + first - center + 0.5) * (1 / stretch)));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return { first, weights: weights.map((weight) => roundAway((weight / total) * 2 ** 22)) };
  });
}

function weighed(pixels, start, stride, { first, weights }) {
  let sum = 2 ** 21;
  for (let k = 0; k < weights.length; k++) sum += pixels[start + (first + k) * stride] * weights[k];
  return Math.min(Math.max(Math.floor(sum / 2 ** 22), 0), 255);
}

function roundAway(x) {
  return Math.trunc(x + (x < 0 ? -0.5 : 0.5));
}

// As Python and NumPy round: halves to the even neighbour.
function roundEven(x) {
  const rounded = Math.round(x);
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
