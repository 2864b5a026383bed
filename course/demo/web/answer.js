"use strict";
// How a classifier's answer is shown: the likeliest class, large; bars; the picture that the network
// was given; and, where Keras answers, where it looked. Digits and photographs share it.

const HEAT = [213, 94, 0];

// `likeliest`: so many rows, the likeliest first; without it all classes in their own order.
function answerPanel(part, network, setup, likeliest) {
  const names = setup.card.class_names;
  const [big, sure, message, seen, choice] = [".big", ".sure", ".message", ".seen", ".heat select"].map(part);
  const rows = Array.from({ length: likeliest || names.length }, () => barRow(part(".bars tbody")));
  let shares = null; // the last answer

  function show(answer) {
    shares = answer;
    const order = Array.from(shares.keys());
    const best = decided(shares, setup.card);
    if (likeliest) order.sort((a, b) => shares[b] - shares[a]);
    big.textContent = names[best];
    big.classList.toggle("long", names[best].length > 3);
    const why = byThreshold(shares, best, setup.card);
    sure.textContent = why || percent(shares[best]);
    rows.forEach((row, i) => row.show(names[order[i]], shares[order[i]], order[i] === best));
    announce(why ? `${names[best]}. ${why}` : t("said", names[best], percent(shares[best])));
    return best;
  }

  function clear() {
    shares = null;
    big.textContent = "–";
    sure.textContent = sure.dataset.t ? t(sure.dataset.t) : "";
    rows.forEach((row, k) => row.show(likeliest ? "–" : names[k], 0, false));
  }

  function tell(text) {
    message.textContent = text;
    message.hidden = !text;
  }

  // Ask about a picture; returns the likeliest class, or null if no answer came.
  async function ask(picture) {
    const slow = setTimeout(() => progress.say("thinking"), 400);
    try {
      const best = show(await network.ask(picture.pixels));
      tell("");
      return best;
    } catch (error) {
      tell(t("no_answer", error.message));
      return null;
    } finally {
      clearTimeout(slow);
      progress.say("");
    }
  }

  // Where the network looked for a class, as a canvas of the picture's size; null if not asked for.
  async function heat(picture, best) {
    if (!choice.value) return null;
    const values = await network.heat(picture.pixels, choice.value, best);
    return heatCanvas(values, picture);
  }

  function speakPanel() {
    seen.setAttribute("aria-label", t("sees_label", seen.width, seen.height));
    choice.replaceChildren(
      ...["none", ...setup.heat].map((kind) => new Option(t(`heat_${kind}`), kind === "none" ? "" : kind)),
    );
    if (shares) show(shares);
    else clear();
  }

  part(".choose.heat").hidden = setup.heat.length === 0;
  return { ask, clear, tell, heat, choice, speak: speakPanel, see: (picture) => drawLevels(seen, picture) };
}

// The answer: the likeliest class or, of two, the one that is looked for from its threshold on.
function decided(shares, { class_names, positive, threshold = 0.5 }) {
  const target = class_names.indexOf(positive);
  if (target < 0) return shares.reduce((most, share, k) => (share > shares[most] ? k : most), 0);
  return shares[target] >= threshold ? target : 1 - target;
}

// Why it is the answer, where a threshold decided; "" otherwise.
function byThreshold(shares, answer, { class_names, positive, threshold = 0.5 }) {
  const target = class_names.indexOf(positive);
  if (target < 0) return "";
  const key = answer === target ? "threshold_reached" : "threshold_missed";
  return t(key, positive, percent(shares[target]), percent(threshold));
}

function barRow(body) {
  const [row, name, bar, share] = [element("tr"), element("th"), element("td"), element("td", "", "n")];
  const filled = element("i");
  name.scope = "row";
  bar.append(element("span", "", "bar"));
  bar.firstChild.append(filled);
  row.append(name, bar, share);
  body.append(row);
  return {
    show(text, value, best) {
      name.textContent = text;
      filled.style.width = `${100 * value}%`;
      share.textContent = number(value, 4);
      row.classList.toggle("best", best);
    },
  };
}

// A prepared picture, one canvas pixel for each of its own.
function drawLevels(canvas, { pixels, height, width, channels = 1 }) {
  [canvas.width, canvas.height] = [width, height];
  const image = new ImageData(width, height);
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = pixels[i * channels + (channels === 3 ? c : 0)];
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// Values from 0 to 1 as one colour, from clear to nearly opaque.
function heatCanvas(values, { height, width }) {
  const canvas = element("canvas");
  [canvas.width, canvas.height] = [width, height];
  const image = new ImageData(width, height);
  values.forEach((value, i) => image.data.set([...HEAT, 200 * value], 4 * i));
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}
