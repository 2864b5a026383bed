"use strict";
// Where the ink of one digit is on a page: step by step as course/datasets/ink.py, which says why.
// An image is a flat Float32Array of height × width; a box is {top, left, bottom, right}.

const WINDOW = 0.4; // of the page's shorter side: no stroke is as wide
const FAINTEST = 12; // grey levels between ink and paper
const NOISES = 9;
const STEP = 4; // grey levels from one cut to the next
const SPECK = 4e-4; // of the page's area
const SMALL = 0.15; // of the digit's longer side: the dot of an i, not another digit
const GAP = 0.3; // of the digit's longer side: the bar of a 5 is as near
const BLOT = 0.7; // of the digit's longer side: a pen's stroke is not as wide
const CUT = 0.45; // of the mean level of ink: what is weaker is left out

// The ink of the one digit on a page of about 256 pixels a side: its grey levels above the paper.
function findInk({ pixels, height, width }) {
  const page = { height, width };
  const levels = Float32Array.from(pixels);
  const plain = plainInk(levels, page);
  if (plain) return { pixels: plain, height, width };
  const rough = smoothed(levels, page).map((mean, i) => Math.abs(levels[i] - mean));
  const least = Math.max(FAINTEST, Math.fround(NOISES * Math.fround(2.6 * percentile(rough, 0.3))));
  const reliefs = [levels.map((level) => 255 - level), levels].map((light) => ({
    light,
    relief: reliefOf(light, page),
  }));
  const seen = reliefs.map((both) => thingsSeen(both, least, page)).filter(Boolean);
  if (seen.length === 0) {
    const most = Math.max(...reliefs.map(({ relief }) => largest(relief)));
    throw new Error(most > least ? t("nothing_inside") : t("no_ink", number(most, 0), number(least, 0)));
  }
  const onPaper = seen.filter((one) => one.onPaper);
  const likely = onPaper.length ? onPaper : seen;
  const strongest = Math.max(...likely.map(({ ink }) => largest(ink)));
  const clear = likely.filter(({ ink }) => largest(ink) > strongest / 2);
  const best = clear.reduce((a, b) => (b.area > a.area ? b : a));
  if (best.things > 1) throw new Error(t("several_things", best.things));
  if (best.isBlot || !best.onPaper) throw new Error(t("a_blot"));
  return { pixels: best.ink, height, width };
}

// All that differs from bare paper, if that is one thing off the border; otherwise null.
function plainInk(levels, page) {
  const border = Float32Array.from(borderOf(page), (i) => levels[i]);
  const paper = median(border);
  const spans = largest(border) + largest(border.map((level) => -level));
  if (spans >= STEP || paper !== median(levels)) return null;
  const isLight = largest(levels) - paper > paper + largest(levels.map((level) => -level));
  const ink = levels.map((level) => Math.max(0, isLight ? level - paper : paper - level));
  const found = partsOf(ink, FAINTEST, page);
  const parts = withoutFrames(found, page);
  if (parts.length === 0 || parts.length < found.count || together(parts).others.length) return null;
  const filled = Float32Array.from(outsideOf(found.labels, page), (outside) => (outside ? 0 : 1));
  return isBlot(filled, page, longer(around(parts))) ? null : ink; // a sheet on a desk is one thing too
}

// The places of the points along a picture's border, its corners twice.
function borderOf({ height, width }) {
  const places = [];
  for (let x = 0; x < width; x++) places.push(x, (height - 1) * width + x);
  for (let y = 0; y < height; y++) places.push(y * width, y * width + width - 1);
  return places;
}

// How far each point stands out of the paper: the levels less their opening.
function reliefOf(levels, page) {
  const reach = roundEven((WINDOW / 2) * Math.min(page.height, page.width));
  const low = spread(levels, page, reach, reach, Math.min);
  return spread(low, page, reach, reach, Math.max).map((paper, i) => levels[i] - paper);
}

// The things that are light, or null.
function thingsSeen({ light, relief }, least, page) {
  const reached = reachedFromBorder(relief, page);
  let ink = relief.map((level, i) => level - reached[i]);
  ink = ink.map((level, i) => (level < reached[i] / 2 ? 0 : level));
  let found = partsOf(ink, least, page);
  if (found.parts.length === 0 && !crosses(relief, least, page)) {
    ink = relief;
    found = partsOf(ink, least, page);
  }
  if (found.parts.length === 0) return null;
  const { digit, others } = together(withoutFrames(found, page));
  const box = around(digit);
  const long = longer(box);
  const large = others.filter((other) => longer(other) > SMALL * long);

  const numbers = new Set(digit.map((part) => part.number));
  const mask = Float32Array.from(found.labels, (label) => (numbers.has(label) ? 1 : 0));
  const more = 1 + Math.floor(long / 12);
  const edge = spread(mask, page, more, more, Math.max);
  const inMask = (values) => values.filter((_, i) => mask[i]);
  const middle = median(inMask(light.map((level, i) => level - relief[i] / 2)));
  const most = percentile(inMask(ink), 0.99);
  return {
    ink: ink.map((level, i) => {
      const faint = !found.labels[i] && level > least / 2; // weaker is the paper's own noise
      return edge[i] && (mask[i] || faint) ? Math.min(level, most) : 0;
    }),
    area: area(around([box, ...large])),
    things: 1 + large.length,
    isBlot: isBlot(mask, page, long),
    onPaper: median(cut(light, page, box, 1 + Math.floor(long / 16))) < middle,
  };
}

// Is there a place in it wider than any pen's stroke?
function isBlot(mask, page, long) {
  const square = Math.max(3, roundEven(BLOT * long));
  const before = Math.floor(square / 2);
  return largest(spread(mask, page, before, square - before - 1, Math.min)) > 0;
}

// At each point the highest level at which it hangs together with the picture's border.
function reachedFromBorder(relief, page) {
  const reached = new Float32Array(relief.length);
  const border = borderOf(page);
  const most = largest(relief);
  for (let level = STEP; level <= most; level += STEP) {
    const open = border.filter((i) => relief[i] >= level);
    if (open.length === 0) break;
    for (const i of open) reached[i] = level;
    flood(open, page, true, (j) => {
      const joins = relief[j] >= level && reached[j] < level;
      if (joins) reached[j] = level;
      return joins;
    });
  }
  return reached;
}

// Go on from open points to their neighbours, as long as `joins` takes them.
function flood(open, { height, width }, alsoCorners, joins) {
  while (open.length) {
    const i = open.pop();
    const [y, x] = [Math.floor(i / width), i % width];
    for (let dy = -1; dy <= 1; dy++) {
      for (let dx = -1; dx <= 1; dx++) {
        if (!alsoCorners && dx && dy) continue;
        const inside = y + dy >= 0 && y + dy < height && x + dx >= 0 && x + dx < width;
        const j = i + dy * width + dx;
        if (inside && joins(j)) open.push(j);
      }
    }
  }
}

// Does it reach two opposite sides of the picture?
function crosses(relief, least, { height, width }) {
  const any = (count, place) => Array.from({ length: count }, (_, k) => relief[place(k)]).some((level) => level > least);
  const [top, bottom] = [any(width, (x) => x), any(width, (x) => (height - 1) * width + x)];
  const [left, right] = [any(height, (y) => y * width), any(height, (y) => y * width + width - 1)];
  return (top && bottom) || (left && right);
}

// The connected parts that are no specks, the largest first: boxes with `number` and `area`; `count`
// is of specks too.
function partsOf(ink, least, page) {
  let [sum, squares] = [0, 0];
  for (const level of ink) {
    if (level > least) [sum, squares] = [sum + level, squares + level * level];
  }
  const cutAt = sum ? Math.max(least, (CUT * squares) / sum) : least;
  const labels = new Int32Array(ink.length);
  const parts = [];
  for (let start = 0; start < ink.length; start++) {
    if (!(ink[start] > cutAt) || labels[start]) continue;
    const part = { number: parts.length + 1, area: 0, top: Infinity, left: Infinity, bottom: 0, right: 0 };
    const take = (i) => {
      if (!(ink[i] > cutAt) || labels[i]) return false;
      const [y, x] = [Math.floor(i / page.width), i % page.width];
      labels[i] = part.number;
      part.area += 1;
      [part.top, part.bottom] = [Math.min(part.top, y), Math.max(part.bottom, y + 1)];
      [part.left, part.right] = [Math.min(part.left, x), Math.max(part.right, x + 1)];
      return true;
    };
    take(start);
    flood([start], page, true, take);
    parts.push(part);
  }
  const large = parts.filter((part) => part.area > SPECK * ink.length);
  return { labels, count: parts.length, parts: large.sort((a, b) => b.area - a.area) };
}

// Without the parts in whose hole a part lies that is no small one.
function withoutFrames({ labels, parts }, { width }) {
  const isFrame = (part) => {
    const inside = holesOf(part, labels, width);
    return parts.some((other) => inside.has(other.number) && longer(other) > SMALL * longer(part));
  };
  return parts.length > 1 ? parts.filter((part) => !isFrame(part)) : parts;
}

// The numbers of what lies in a part's holes.
function holesOf(part, labels, width) {
  const box = { height: part.bottom - part.top, width: part.right - part.left };
  const own = cut(labels, { width, height: labels.length / width }, part, 0);
  const outside = outsideOf(own.map((label) => label === part.number), box);
  return new Set(own.filter((label, i) => label !== part.number && !outside[i]));
}

// Where the border leads without a step on anything solid, nor between two that touch at corners.
function outsideOf(solid, page) {
  const outside = new Array(solid.length).fill(false);
  const joins = (i) => !solid[i] && !outside[i] && (outside[i] = true);
  flood(borderOf(page).filter(joins), page, false, joins);
  return outside;
}

// The largest part with those that belong to it, and the others.
function together([first, ...others]) {
  const digit = [first];
  for (;;) {
    const box = around(digit);
    const near = others.filter((other) => belongs(other, box));
    if (near.length === 0) return { digit, others };
    digit.push(...near);
    others = others.filter((other) => !near.includes(other));
  }
}

// Is the part near the box, and not another digit beside it?
function belongs(part, box) {
  const above = Math.max(part.top, box.top) - Math.min(part.bottom, box.bottom);
  const beside = Math.max(part.left, box.left) - Math.min(part.right, box.right);
  const asTall = part.bottom - part.top > 0.6 * (box.bottom - box.top);
  const another = asTall && beside > longer(box) / 16;
  return Math.max(above, beside) <= GAP * longer(box) && !another;
}

function around(boxes) {
  const all = (side, which) => which(...boxes.map((box) => box[side]));
  return { top: all("top", Math.min), left: all("left", Math.min), bottom: all("bottom", Math.max), right: all("right", Math.max) };
}

function longer({ top, left, bottom, right }) {
  return Math.max(bottom - top, right - left);
}

function area({ top, left, bottom, right }) {
  return (bottom - top) * (right - left);
}

// The values in a box that is `more` larger on each side, as far as the picture goes.
function cut(values, { height, width }, { top, left, bottom, right }, more) {
  const rows = [];
  for (let y = Math.max(0, top - more); y < Math.min(height, bottom + more); y++) {
    rows.push(...values.subarray(y * width + Math.max(0, left - more), y * width + Math.min(width, right + more)));
  }
  return rows;
}

// ---- widening a pen's thin line to a ninth of the digit's height

function thicken({ pixels, height, width }) {
  const half = largest(pixels) / 2;
  const box = inkBox({ pixels, height, width }, half);
  const missing = roundEven((Math.max(box.height, box.width) - 1) / 9 - 2 * deepest(pixels, half, { height, width }));
  if (missing <= 0) return { pixels, height, width };
  const reach = [Math.floor(missing / 2), Math.ceil(missing / 2)];
  return { pixels: spread(pixels, { height, width }, ...reach, Math.max), height, width };
}

// How far the innermost point of what is above a level lies from what is not; the page ends outside.
function deepest(pixels, level, { height, width }) {
  const up = new Float64Array(height * width); // to the nearest point outside in its own column
  for (let x = 0; x < width; x++) {
    for (let y = 0, far = 0; y < height; y++) up[y * width + x] = far = pixels[y * width + x] > level ? far + 1 : 0;
    for (let y = height - 1, far = 0; y >= 0; y--) {
      far = pixels[y * width + x] > level ? far + 1 : 0;
      up[y * width + x] = Math.min(up[y * width + x], far);
    }
  }
  let most = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let least = Math.min(x + 1, width - x) ** 2;
      for (let k = 0; k < width && least > most; k++) least = Math.min(least, (x - k) ** 2 + up[y * width + k] ** 2);
      most = Math.max(most, least);
    }
  }
  return Math.sqrt(most);
}

// ---- filters and numbers

// The least or the most of a rectangle around each point; beyond the border its last point goes on.
function spread(values, { height, width }, before, after, choose) {
  const size = before + after + 1;
  const along = (from, lines, count, lineStep, step) => {
    const to = new Float32Array(from.length);
    const row = new Float32Array(count + before + after);
    for (let line = 0; line < lines; line++) {
      for (let i = 0; i < row.length; i++) {
        const inside = Math.min(Math.max(i - before, 0), count - 1);
        row[i] = from[line * lineStep + inside * step];
      }
      let covered = 1; // by each point of the row: of itself and those after it
      for (; 2 * covered <= size; covered *= 2) {
        for (let i = 0; i + covered < row.length; i++) row[i] = choose(row[i], row[i + covered]);
      }
      for (let i = 0; i < count; i++) {
        to[line * lineStep + i * step] = choose(row[i], row[i + size - covered]);
      }
    }
    return to;
  };
  return along(along(values, width, height, 1, width), height, width, width, 1);
}

// The mean of 5×5 points; at the border the picture is mirrored.
function smoothed(values, { height, width }) {
  const along = (from, lines, count, lineStep, step) => {
    const mirror = (k) => (k < 0 ? -1 - k : k >= count ? 2 * count - 1 - k : k);
    const to = new Float32Array(from.length);
    for (let line = 0; line < lines; line++) {
      for (let i = 0; i < count; i++) {
        let sum = 0;
        for (let k = i - 2; k <= i + 2; k++) sum += from[line * lineStep + mirror(k) * step];
        to[line * lineStep + i * step] = sum / 5;
      }
    }
    return to;
  };
  return along(along(values, width, height, 1, width), height, width, width, 1);
}

function largest(values) {
  return values.reduce((most, value) => Math.max(most, value), -Infinity);
}

function median(values) {
  return percentile(values, 0.5);
}

// Between two values, in proportion, as NumPy.
function percentile(values, share) {
  const sorted = Float32Array.from(values).sort();
  const place = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return Math.fround(below + (above - below) * (place % 1));
}
