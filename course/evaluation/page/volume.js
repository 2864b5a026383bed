"use strict";
// Walk through a brain: three planes on plain canvases with one cross, masks as outlines, and how
// much of each region there is. A report shows it, and so does the page of a network.
//
// A volume is {shape: [D, H, W], spacing_mm, modalities, masks, load}. D runs from the feet to the
// head, H from the front to the back, W from the patient's right to the left. `load(what)` promises
// D·H·W bytes: of "image/flair" greys, 0 outside the brain; of "mask/truth" and "mask/prediction"
// 1 where only WT is, 2 where TC is too, 3 where ET is too; of "mask/attention" 0 to 255.

const VOLUME_PLANES = [
  { name: "axial", through: 0, down: 1, across: 2, upward: false, ends: "RLAP" },
  { name: "coronal", through: 1, down: 0, across: 2, upward: true, ends: "RLSI" },
  { name: "sagittal", through: 2, down: 0, across: 1, upward: true, ends: "APSI" },
];
const VOLUME_REGIONS = { WT: "#56b4e9", TC: "#f0e442", ET: "#ff8c66" }; // as figures draws them
// The truth's line is thin with a dark seam, so that it stands out from the network's broad one.
const VOLUME_PENS = {
  truth: [{ thickness: 2.8, share: 0.5, paint: "#000" }, { thickness: 1.4, share: 1 }],
  prediction: [{ thickness: 4, share: 0.6 }],
};
const VOLUME_ATTENTION = [213, 94, 0];
const VOLUME_TEXTS = {
  es: {
    comma: ",",
    axial: "Axial", coronal: "Coronal", sagittal: "Sagital",
    slice: "{0}, corte {1} de {2}",
    picture: "Plano {0}. Las flechas mueven la cruz; Re Pág y Av Pág pasan de corte.",
    modality: "Imagen",
    truth: "Verdad", prediction: "Red", attention: "Atención de la red",
    opacity: "Opacidad",
    region: "Región", WT: "tumor completo (WT)", TC: "núcleo (TC)", ET: "realce (ET)",
    truth_ml: "Verdad, ml", prediction_ml: "Red, ml", dice: "Dice",
    numbers: "Volumen de cada región; una casilla muestra u oculta su borde",
    nothing: "fuera del tumor",
    at: "En la cruz: {0}.",
    orientation:
      "Vista del radiólogo: la derecha del paciente está a la izquierda de la imagen. R derecha, L izquierda, A delante, P detrás, S arriba, I abajo.",
    keys: "Mueve la cruz con el ratón o el dedo; con el teclado, sobre una imagen, con las flechas, Re Pág y Av Pág.",
    loading: "Cargando…",
    too_old: "Este navegador es demasiado antiguo para mostrar el caso: ábrelo en uno de 2023 o posterior.",
  },
  en: {
    comma: ".",
    axial: "Axial", coronal: "Coronal", sagittal: "Sagittal",
    slice: "{0}, slice {1} of {2}",
    picture: "{0} plane. The arrows move the cross; Page Up and Page Down change the slice.",
    modality: "Image",
    truth: "Truth", prediction: "Network", attention: "The network's attention",
    opacity: "Opacity",
    region: "Region", WT: "whole tumour (WT)", TC: "core (TC)", ET: "enhancing (ET)",
    truth_ml: "Truth, ml", prediction_ml: "Network, ml", dice: "Dice",
    numbers: "Volume of each region; a box shows or hides its outline",
    nothing: "outside the tumour",
    at: "At the cross: {0}.",
    orientation:
      "The radiologist's view: the patient's right is on the left of the picture. R right, L left, A front, P back, S top, I bottom.",
    keys: "Move the cross with the mouse or a finger; by keyboard, on a picture, with the arrows, Page Up and Page Down.",
    loading: "Loading…",
    too_old: "This browser is too old to show the case: open it in one of 2023 or later.",
  },
};

// Show a volume in an element. Returns {update(volume, texts)}: more masks have come, or the page
// speaks another language.
function brainView(root, volume, texts) {
  const bytes = {}; // what has been loaded
  const shown = { truth: true, prediction: true, attention: false };
  let modality = volume.modalities[0];
  let opacity = 1;
  let cross = volume.shape.map((size) => size >> 1);
  let box = volume.shape.map((size) => [0, size - 1]); // around the brain, the last index inside
  let moved = false; // by a person
  let waiting = 0; // for the next frame

  // ---- what stands in it

  const message = volumePart("p", "brain-message");
  const planes = VOLUME_PLANES.map((plane) => volumePlane(plane, move));
  const choice = volumePart("select");
  const switches = Object.fromEntries(Object.keys(shown).map((mask) => [mask, volumeSwitch(mask)]));
  const ticks = Object.fromEntries(Object.keys(VOLUME_REGIONS).map((region) => [region, volumeSwitch(region)]));
  const slider = volumePart("input");
  const labels = { modality: volumePart("span"), opacity: volumePart("span") };
  const controls = volumePart("div", "brain-controls");
  const numbers = volumePart("table", "brain-numbers");
  const where = volumePart("p", "brain-where");
  const hints = [volumePart("p", "hint"), volumePart("p", "hint")];
  const row = volumePart("div", "brain-planes");

  function build() {
    message.setAttribute("role", "status");
    where.setAttribute("role", "status");
    Object.assign(slider, { type: "range", min: 10, max: 100, value: 100 });
    const boxed = (label, control) => {
      const around = volumePart("label");
      around.append(label, control);
      return around;
    };
    row.append(...planes.map((plane) => plane.figure));
    controls.append(
      boxed(labels.modality, choice),
      ...Object.values(switches).map((one) => one.label),
      boxed(labels.opacity, slider),
    );
    const view = volumePart("div", "brain");
    view.append(message, row, where, controls, numbers, ...hints);
    root.replaceChildren(view);

    choice.addEventListener("change", () => show(choice.value));
    slider.addEventListener("input", () => {
      opacity = slider.value / 100;
      draw();
    });
    for (const [mask, { box: tick }] of Object.entries(switches)) {
      tick.addEventListener("change", async () => {
        shown[mask] = tick.checked;
        shown[mask] = tick.checked = tick.checked && (await load(`mask/${mask}`));
        draw();
      });
    }
    for (const { box: tick } of Object.values(ticks)) {
      tick.checked = true;
      tick.addEventListener("change", draw);
    }
    numbers.append(...["caption", "thead", "tbody"].map((tag) => volumePart(tag)));
    const watcher = new ResizeObserver(() => draw());
    planes.forEach(({ canvas }) => watcher.observe(canvas));
  }

  // ---- what is loaded

  // Whether it is there; what went wrong is said on the page.
  async function load(what) {
    if (bytes[what]) return true;
    say(texts.loading);
    try {
      bytes[what] = await volume.load(what);
      say("");
    } catch (error) {
      say(error.message);
    }
    return what in bytes;
  }

  async function show(name) {
    if (await load(`image/${name}`)) modality = name;
    choice.value = modality;
    draw();
  }

  async function loadMasks() {
    const wanted = volume.masks.filter((mask) => shown[mask]);
    await Promise.all(wanted.map((mask) => load(`mask/${mask}`)));
    const tumour = bytes["mask/truth"] || bytes["mask/prediction"];
    if (tumour && !moved) cross = volumeMiddle(tumour, volume.shape) || cross;
    tell();
    draw();
  }

  function say(text) {
    message.textContent = text;
    message.hidden = !text;
  }

  // ---- the cross

  // Put one coordinate of the cross somewhere, as far as the box goes.
  function move(axis, index) {
    const [low, high] = box[axis];
    cross[axis] = Math.min(high, Math.max(low, Math.round(index)));
    moved = true;
    draw();
  }

  // ---- what is seen

  // At the next frame, however often it is asked for.
  function draw() {
    waiting ||= requestAnimationFrame(() => {
      waiting = 0;
      const grey = bytes[`image/${modality}`];
      if (!grey) return;
      const masks = ["prediction", "truth"].filter((mask) => shown[mask] && bytes[`mask/${mask}`]);
      const seen = {
        shape: volume.shape,
        grey,
        masks: masks.map((mask) => ({ mask, values: bytes[`mask/${mask}`] })),
        attention: shown.attention && bytes["mask/attention"],
        regions: Object.keys(ticks).map((region) => ticks[region].box.checked),
        opacity,
        cross,
      };
      planes.forEach((plane) => plane.draw(seen, texts));
      sayWhere();
    });
  }

  // Once it has been still for a while, for a screen reader reads it out.
  function sayWhere() {
    clearTimeout(sayWhere.waiting);
    sayWhere.waiting = setTimeout(() => {
      const [, height, width] = volume.shape;
      const place = (cross[0] * height + cross[1]) * width + cross[2];
      const found = ["truth", "prediction"].filter((mask) => bytes[`mask/${mask}`]).map((mask) => {
        const region = Object.keys(VOLUME_REGIONS)[bytes[`mask/${mask}`][place] - 1];
        return `${texts[mask]}: ${region ? texts[region] : texts.nothing}`;
      });
      where.textContent = found.length ? volumeText(texts.at, found.join(" · ")) : "";
    }, 250);
  }

  // Every word on the page, and the numbers of the masks that are there.
  function tell() {
    labels.modality.textContent = texts.modality;
    labels.opacity.textContent = texts.opacity;
    choice.replaceChildren(...volume.modalities.map((name) => new Option(name.toUpperCase(), name)));
    choice.value = modality;
    for (const [mask, { label, text, box: tick }] of Object.entries(switches)) {
      label.hidden = !volume.masks.includes(mask);
      text.textContent = texts[mask];
      tick.checked = shown[mask];
    }
    hints[0].textContent = texts.orientation;
    hints[1].textContent = texts.keys;
    tellNumbers();
  }

  // Millilitres of each region, and Dice where there are both masks.
  function tellNumbers() {
    const there = ["truth", "prediction"].filter((mask) => bytes[`mask/${mask}`]);
    numbers.hidden = there.length === 0;
    if (numbers.hidden) return;
    const heads = [texts.region, ...there.map((mask) => texts[`${mask}_ml`])];
    const scores = volumeScores(...there.map((mask) => bytes[`mask/${mask}`]));
    const ml = volume.spacing_mm.reduce((product, side) => product * side) / 1000;
    if (there.length === 2) heads.push(texts.dice);
    numbers.caption.textContent = texts.numbers;
    numbers.tHead.replaceChildren(volumeRow("th", "col", heads));
    numbers.tBodies[0].replaceChildren(...Object.entries(ticks).map(([region, tick], k) => {
      const cells = scores[k].voxels.map((voxels) => volumeMl(voxels * ml));
      if (there.length === 2) cells.push(scores[k].dice.toFixed(2));
      tick.text.textContent = texts[region];
      return volumeRow("td", "row", [tick.label, ...cells.map((cell) => cell.replace(".", texts.comma))]);
    }));
  }

  async function open() {
    build();
    tell();
    if (!window.DecompressionStream) return say(texts.too_old);
    const [, there] = await Promise.all([loadMasks(), load(`image/${modality}`)]);
    if (there) {
      box = volumeBox(bytes[`image/${modality}`], volume.shape);
      planes.forEach((plane) => plane.fit(box, volume.spacing_mm));
      cross = cross.map((index, axis) => Math.min(box[axis][1], Math.max(box[axis][0], index)));
    }
    draw();
  }

  open();
  return {
    update(newVolume, newTexts) {
      [volume, texts] = [newVolume, newTexts];
      tell();
      loadMasks();
    },
  };
}

// A plane: its canvas, the letters at its ends, its slider.
function volumePlane({ name, through, down, across, upward, ends }, move) {
  const figure = volumePart("figure", `brain-plane ${name}`);
  const picture = volumePart("div", "brain-picture");
  const canvas = volumePart("canvas");
  const slider = volumePart("input");
  const label = volumePart("label");
  const said = volumePart("span");
  const slice = volumePart("canvas"); // a pixel for each voxel
  let box = null;
  let cross = null;

  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  slider.type = "range";
  label.append(said, slider);
  picture.append(canvas, ...[...ends].map((end, i) => {
    const letter = volumePart("span", `brain-end ${["left", "right", "top", "bottom"][i]}`);
    letter.textContent = end;
    letter.ariaHidden = "true";
    return letter;
  }));
  figure.append(picture, label);

  // How large: the box in millimetres, so that voxels that are no cubes look as they are.
  function fit(newBox, spacing_mm) {
    box = newBox;
    const mm = (axis) => (box[axis][1] - box[axis][0] + 1) * spacing_mm[axis];
    figure.style.setProperty("--mm", mm(across));
    canvas.style.aspectRatio = `${mm(across)} / ${mm(down)}`;
    slider.min = box[through][0] + 1;
    slider.max = box[through][1] + 1;
  }

  function draw(seen, texts) {
    if (!box || !canvas.clientWidth) return;
    cross = seen.cross;
    const [first, last] = [box[across][0], box[down][upward ? 1 : 0]];
    const [width, height] = [across, down].map((axis) => box[axis][1] - box[axis][0] + 1);
    const [, rows, columns] = seen.shape;
    const steps = [rows * columns, columns, 1]; // from a voxel to the next along each axis
    const cut = {
      width,
      height,
      start: cross[through] * steps[through] + first * steps[across] + last * steps[down],
      right: steps[across],
      below: upward ? -steps[down] : steps[down],
    };
    const frame = { width: canvas.clientWidth, height: canvas.clientHeight };
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(frame.width * ratio);
    canvas.height = Math.round(frame.height * ratio);
    const context = canvas.getContext("2d");
    [slice.width, slice.height] = [width, height];
    slice.getContext("2d").putImageData(volumeSlice(cut, seen), 0, 0);
    context.scale(ratio, ratio);
    context.imageSmoothingQuality = "high";
    context.drawImage(slice, 0, 0, frame.width, frame.height);
    const scale = { across: frame.width / width, down: frame.height / height };
    for (const { mask, values } of seen.masks) {
      volumeOutlines(context, cut, values, scale, VOLUME_PENS[mask], seen);
    }
    const x = (cross[across] - first + 0.5) * scale.across;
    const y = (Math.abs(cross[down] - last) + 0.5) * scale.down;
    volumeCross(context, x, y, frame);
    const text = volumeText(texts.slice, texts[name], cross[through] + 1, seen.shape[through]);
    said.textContent = text;
    slider.value = cross[through] + 1;
    slider.setAttribute("aria-valuetext", text);
    canvas.setAttribute("aria-label", `${text}. ${volumeText(texts.picture, texts[name].toLowerCase())}`);
  }

  // ---- a person's hands

  function point(event) {
    if (!cross) return;
    const frame = canvas.getBoundingClientRect();
    const [x, y] = [(event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.height];
    const [width, height] = [across, down].map((axis) => box[axis][1] - box[axis][0] + 1);
    move(across, box[across][0] + x * width - 0.5);
    move(down, upward ? box[down][1] - y * height + 0.5 : box[down][0] + y * height - 0.5);
  }

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    point(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) point(event);
  });
  canvas.addEventListener("keydown", (event) => {
    const up = upward ? 1 : -1;
    const [axis, step] = {
      ArrowLeft: [across, -1],
      ArrowRight: [across, 1],
      ArrowUp: [down, up],
      ArrowDown: [down, -up],
      PageUp: [through, 1],
      PageDown: [through, -1],
    }[event.key] || [];
    if (!step || !cross) return;
    event.preventDefault();
    move(axis, cross[axis] + step);
  });
  slider.addEventListener("input", () => move(through, slider.value - 1));
  return { figure, canvas, fit, draw };
}

// ---- a slice

// Its greys as a picture, the attention over them.
function volumeSlice({ width, height, start, right, below }, { grey, attention, opacity }) {
  const image = new ImageData(width, height);
  const { data } = image;
  let pixel = 0;
  for (let y = 0; y < height; y++) {
    let voxel = start + y * below;
    for (let x = 0; x < width; x++, voxel += right, pixel += 4) {
      const share = attention ? (0.7 * opacity * attention[voxel]) / 255 : 0;
      for (let c = 0; c < 3; c++) {
        data[pixel + c] = grey[voxel] + share * (VOLUME_ATTENTION[c] - grey[voxel]);
      }
      data[pixel + 3] = 255;
    }
  }
  return image;
}

// The regions' borders: a line wherever two neighbours are not in the same regions.
function volumeOutlines(context, cut, values, { across, down }, pen, { regions, opacity }) {
  const { width, height, start, right, below } = cut;
  const paths = Object.keys(VOLUME_REGIONS).map(() => new Path2D());
  const line = (one, other, fromX, fromY, toX, toY) => {
    for (let k = Math.min(one, other); k < Math.max(one, other); k++) {
      paths[k].moveTo(fromX * across, fromY * down);
      paths[k].lineTo(toX * across, toY * down);
    }
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0, voxel = start + y * below; x < width; x++, voxel += right) {
      const here = values[voxel];
      const [left, above] = [x ? values[voxel - right] : 0, y ? values[voxel - below] : 0];
      if (here !== left) line(here, left, x, y, x, y + 1);
      if (here !== above) line(here, above, x, y, x + 1, y);
    }
  }
  Object.values(VOLUME_REGIONS).forEach((colour, k) => {
    if (!regions[k]) return;
    for (const { thickness, share, paint } of pen) {
      Object.assign(context, { lineWidth: thickness, strokeStyle: paint || colour, lineCap: "square" });
      context.globalAlpha = share * opacity;
      context.stroke(paths[k]);
    }
  });
  context.globalAlpha = 1;
}

// Two lines that leave the voxel itself free.
function volumeCross(context, x, y, { width, height }) {
  const gap = 8;
  context.beginPath();
  for (const [fromX, fromY, toX, toY] of [
    [0, y, x - gap, y],
    [x + gap, y, width, y],
    [x, 0, x, y - gap],
    [x, y + gap, x, height],
  ]) {
    context.moveTo(fromX, fromY);
    context.lineTo(toX, toY);
  }
  Object.assign(context, { strokeStyle: "rgb(255 255 255 / 55%)", lineWidth: 1 });
  context.stroke();
}

// ---- what is measured

// The first and last index along each axis at which there is brain, and a little more; all of it if
// there is none.
function volumeBox(grey, [depth, height, width]) {
  const ends = [depth, height, width].map((size) => [size, -1]);
  for (let d = 0, voxel = 0; d < depth; d++) {
    for (let h = 0; h < height; h++) {
      for (let w = 0; w < width; w++, voxel++) {
        if (!grey[voxel]) continue;
        if (w < ends[2][0]) ends[2][0] = w;
        if (w > ends[2][1]) ends[2][1] = w;
        if (h < ends[1][0]) ends[1][0] = h;
        if (h > ends[1][1]) ends[1][1] = h;
        if (d < ends[0][0]) ends[0][0] = d;
        ends[0][1] = d;
      }
    }
  }
  return [depth, height, width].map((size, axis) => {
    const [low, high] = ends[axis];
    return high < 0 ? [0, size - 1] : [Math.max(0, low - 3), Math.min(size - 1, high + 3)];
  });
}

// The middle of the tumour in the slice that has most of it; null if there is none.
function volumeMiddle(mask, [depth, height, width]) {
  let most = { voxels: 0 };
  for (let d = 0, voxel = 0; d < depth; d++) {
    const slice = { d, voxels: 0, h: 0, w: 0 };
    for (let h = 0; h < height; h++) {
      for (let w = 0; w < width; w++, voxel++) {
        if (!mask[voxel]) continue;
        slice.voxels++;
        slice.h += h;
        slice.w += w;
      }
    }
    if (slice.voxels > most.voxels) most = slice;
  }
  if (!most.voxels) return null;
  return [most.d, Math.round(most.h / most.voxels), Math.round(most.w / most.voxels)];
}

// Of each region: how many voxels the masks have that are there, and Dice where there are two.
function volumeScores(one, other) {
  const pairs = new Uint32Array(16); // voxels with each pair of values
  for (let i = 0; i < one.length; i++) pairs[4 * one[i] + (other ? other[i] : 0)]++;
  return [1, 2, 3].map((level) => {
    const count = (chosen) => pairs.reduce((sum, n, pair) => (chosen(pair >> 2, pair & 3) ? sum + n : sum), 0);
    const voxels = [count((a) => a >= level), ...(other ? [count((_, b) => b >= level)] : [])];
    const both = count((a, b) => a >= level && b >= level);
    const all = voxels.reduce((sum, n) => sum + n, 0);
    return { voxels, dice: all ? (2 * both) / all : 1 }; // nothing in both: they agree
  });
}

// With one decimal; what is there is never rounded down to nothing.
function volumeMl(ml) {
  return ml && ml < 0.05 ? "< 0.1" : ml.toFixed(1);
}

// ---- pieces

function volumePart(tag, className = "") {
  const part = document.createElement(tag);
  part.className = className;
  return part;
}

// A row of a table; `scope` says of what its headings are.
function volumeRow(tag, scope, cells) {
  const row = volumePart("tr");
  row.append(...cells.map((content, i) => {
    const cell = volumePart(i ? tag : "th");
    if (cell.tagName === "TH") cell.scope = scope;
    cell.append(content);
    return cell;
  }));
  return row;
}

// A box to tick with a sample of the line that it shows.
function volumeSwitch(name) {
  const [label, box, sample, text] = ["label", "input", "span", "span"].map((tag) => volumePart(tag));
  box.type = "checkbox";
  label.className = "brain-switch";
  sample.className = `brain-sample ${name}`;
  if (VOLUME_REGIONS[name]) sample.style.color = VOLUME_REGIONS[name];
  label.append(box, sample, text);
  return { label, text, box };
}

function volumeText(text, ...values) {
  return text.replace(/\{(\d)\}/g, (_, i) => values[i]);
}

// ---- bytes

// A stream of gzip as the bytes that were packed.
async function volumeBytes(stream) {
  const plain = stream.pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(plain).arrayBuffer());
}

// A report's case: it lies in the page, in gzip and base64.
function showPackedCase() {
  const { data, ...about } = JSON.parse(document.getElementById("case").textContent);
  const load = (what) => {
    const text = atob(data[what]);
    const packed = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i); // faster than from()
    return volumeBytes(new Blob([packed]).stream());
  };
  brainView(document.getElementById("volume"), { ...about, load }, VOLUME_TEXTS.es);
}
