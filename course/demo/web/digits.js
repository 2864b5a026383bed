"use strict";
// Draw a digit. Strokes are kept as points, so that undo, width and preprocessing redraw everything.

const SIDE = 400; // of the canvas, in its own units; strokes are stored in them
const THINNEST = 5;
const THICKEST = 80;
const WHOLE = { left: 0, top: 0, width: SIDE, height: SIDE };

function digitsView(root, network, setup) {
  const part = unfold(root, "digits");
  const panel = answerPanel(part, network, setup);
  const [canvas, over, preprocessing] = [".drawing", ".over", ".preprocessing"].map(part);
  const small = new OffscreenCanvas(SIDE, SIDE).getContext("2d", { willReadFrequently: true });

  let strokes = []; // {points: [[x, y], …], width, white}
  let width = 30;
  let white = false;
  let photo = null; // an uploaded one: {bitmap, picture}
  let picture = null; // what the network is given; null while there is no ink
  let heat = null; // where it looked, a canvas
  let pointer = null; // the one that is drawing
  const pen = { x: SIDE / 2, y: SIDE / 2, down: false, shown: false }; // moved by the keyboard

  // ---- from the strokes to the answer

  let frame = 0;
  function changed() {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      [picture, heat] = [photo ? photo.picture : drawn(), null];
      paint();
      panel.see(picture || { pixels: new Uint8Array(28 * 28), height: 28, width: 28 });
      ask();
    });
  }

  const ask = latest(async () => {
    const asked = picture;
    if (!asked) return panel.clear();
    const best = await panel.ask(asked);
    if (best === null || pointer !== null || asked !== picture) return;
    const looked = await panel.heat(asked, best).catch((error) => panel.tell(error.message));
    if (asked !== picture) return;
    heat = looked;
    paintOver();
  });

  // The drawing as 28×28, or null without ink.
  function drawn() {
    drawStrokes(small, strokes);
    const { data } = small.getImageData(0, 0, SIDE, SIDE);
    const ink = { pixels: new Uint8Array(SIDE * SIDE), height: SIDE, width: SIDE };
    for (let i = 0; i < ink.pixels.length; i++) ink.pixels[i] = 255 - data[4 * i];
    const made = preprocessing.checked
      ? centerDigit(ink)
      : { ...resize(ink, 28, 28), frame: WHOLE };
    return made.pixels.some((level) => level > 0) ? made : null;
  }

  function paint() {
    canvas.width = canvas.height = Math.round(canvas.clientWidth * devicePixelRatio) || SIDE;
    const context = canvas.getContext("2d");
    context.scale(canvas.width / SIDE, canvas.width / SIDE);
    drawStrokes(context, strokes);
    if (photo) drawWhole(context, photo.bitmap);
    paintOver();
  }

  function paintOver() {
    const context = over.getContext("2d");
    context.clearRect(0, 0, SIDE, SIDE);
    if (heat && picture.frame) {
      const { left, top, width, height } = picture.frame;
      context.drawImage(heat, left, top, width, height);
    }
    if (pen.shown) {
      context.strokeStyle = pen.down ? "#0072b2" : "#777";
      context.lineWidth = 3;
      context.beginPath();
      context.arc(pen.x, pen.y, width / 2 + 2, 0, 7);
      context.stroke();
    }
  }

  // ---- the pen

  function startStroke(x, y) {
    photo = null;
    strokes.push({ points: [[x, y]], width, white });
    changed();
  }

  function goOn(x, y) {
    strokes.at(-1).points.push([x, y]);
    changed();
  }

  function place(event) {
    const { left, top, width } = canvas.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top].map((pixels) => (pixels * SIDE) / width);
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || pointer !== null) return;
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer);
    pen.shown = pen.down = false;
    startStroke(...place(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    const moves = event.getCoalescedEvents?.() ?? [];
    for (const move of moves.length ? moves : [event]) goOn(...place(move));
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => {
      if (event.pointerId !== pointer) return;
      pointer = null;
      changed();
    });
  }

  // ---- buttons and keys

  function undo() {
    if (photo) photo = null;
    else strokes.pop();
    pen.down = false;
    changed();
  }

  function reset() {
    [strokes, photo] = [[], null];
    pen.down = false;
    panel.tell("");
    announce(t("cleared"));
    changed();
  }

  function toggleWhite() {
    white = !white;
    pen.down = false;
    part(".white").setAttribute("aria-pressed", white);
    canvas.classList.toggle("erasing", white);
  }

  function setWidth(wanted) {
    width = Math.min(Math.max(wanted, THINNEST), THICKEST);
    pen.down = false;
    part(".width").textContent = width;
    paintOver();
  }

  function movePen(dx, dy) {
    const inside = (place) => Math.min(Math.max(place, 0), SIDE);
    Object.assign(pen, { x: inside(pen.x + dx), y: inside(pen.y + dy), shown: true });
    if (pen.down) goOn(pen.x, pen.y);
    else paintOver();
  }

  function togglePen() {
    Object.assign(pen, { down: !pen.down, shown: true });
    announce(t(pen.down ? "pen_down" : "pen_up"));
    if (pen.down) startStroke(pen.x, pen.y);
    else paintOver();
  }

  const KEYS = {
    ArrowLeft: () => movePen(-10, 0),
    ArrowRight: () => movePen(10, 0),
    ArrowUp: () => movePen(0, -10),
    ArrowDown: () => movePen(0, 10),
    " ": togglePen,
    z: undo,
    x: reset,
    g: toggleWhite,
    "+": () => setWidth(width + 5),
    "-": () => setWidth(width - 5),
  };
  canvas.addEventListener("keydown", (event) => {
    const action = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action || event.altKey || (event.ctrlKey && event.key !== "z")) return;
    event.preventDefault();
    action();
  });
  canvas.addEventListener("blur", () => {
    pen.shown = pen.down = false;
    paintOver();
  });

  const buttons = {
    ".undo": undo,
    ".reset": reset,
    ".white": toggleWhite,
    ".thinner": () => setWidth(width - 5),
    ".thicker": () => setWidth(width + 5),
  };
  for (const [button, action] of Object.entries(buttons)) part(button).addEventListener("click", action);
  panel.choice.addEventListener("change", changed);
  preprocessing.addEventListener("change", () => {
    sayWhy();
    changed();
  });

  part(".upload").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    event.target.value = ""; // the same file may be chosen again
    if (!file) return;
    try {
      const picture = await network.prepare(file);
      photo = { picture, bitmap: await openPicture(file) };
      strokes = [];
      panel.tell("");
      changed();
    } catch (error) {
      panel.tell(error.message);
    }
  });

  function sayWhy() {
    part(".why").textContent = t(preprocessing.checked ? "preprocessing_on" : "preprocessing_off");
  }

  new ResizeObserver(paint).observe(canvas);
  setWidth(width);
  changed();
  return {
    speak() {
      sayWhy();
      panel.speak();
    },
  };
}

// Black strokes on white paper, in the canvas' own units.
function drawStrokes(context, strokes) {
  context.fillStyle = "#fff";
  context.fillRect(0, 0, SIDE, SIDE);
  context.lineCap = context.lineJoin = "round";
  for (const { points, width, white } of strokes) {
    context.strokeStyle = white ? "#fff" : "#000";
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(...points[0]);
    context.lineTo(points[0][0] + 0.01, points[0][1]); // a touch leaves a dot
    for (const point of points) context.lineTo(...point);
    context.stroke();
  }
}

// A whole picture in the middle of the canvas.
function drawWhole(context, bitmap) {
  const scale = SIDE / Math.max(bitmap.width, bitmap.height);
  const [width, height] = [scale * bitmap.width, scale * bitmap.height];
  context.drawImage(bitmap, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
}
