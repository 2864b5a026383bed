"use strict";
// The page: what holds for every network. The view (digits.js, signs.js, houses.js, brains.js) asks
// a network for answers and does not know where it runs.

const VIEWS = {
  digits: (...given) => digitsView(...given),
  signs: (...given) => photosView(...given),
  pictures: (...given) => photosView(...given),
  houses: (...given) => housesView(...given),
  brains: (...given) => brainsView(...given),
};
const MEDICAL = /brats|chest/; // data sets of patients

const byId = (id) => document.getElementById(id);

async function start() {
  const setup = JSON.parse(byId("setup").textContent);
  let view = { speak() {} };
  const speakAll = () => {
    document.documentElement.lang = language;
    byId("language").lang = language === "es" ? "en" : "es";
    speak(document);
    byId("title").textContent = document.title = t(titleOf(setup));
    describe(setup);
    progress.speak();
    view.speak();
  };
  byId("language").addEventListener("click", () => {
    language = language === "es" ? "en" : "es";
    speakAll();
  });
  byId("made-up").hidden = !setup.card.data.made_up;
  byId("medical").hidden = !(setup.view === "brains" || MEDICAL.test(setup.card.data.dataset));
  progress.say("loading");
  speakAll();
  try {
    const network = await connect(setup);
    view = VIEWS[setup.view](byId("view"), network, setup);
    progress.say("");
    speakAll();
    await checkItself(network, setup);
  } catch (error) {
    progress.say("not_opened", error.message);
    throw error; // for the browser's console
  }
}

async function connect(setup) {
  if (setup.where === "server") return remoteNetwork(setup);
  const prepare = (file) => preparePicture(file, setup.card);
  return Object.assign(await localNetwork(setup), { prepare });
}

// Ten inputs travel with a network in a file, and what Keras answered to them.
async function checkItself(network, { check }) {
  if (!check) return;
  const inputs = Array.isArray(check.inputs)
    ? check.inputs
    : slices(bytesOf(check.inputs), check.outputs.length);
  let wrong = 0;
  for (const [i, input] of inputs.entries()) {
    const answer = [await network.ask(input)].flatMap((numbers) => Array.from(numbers.length ? numbers : [numbers]));
    const near = check.outputs[i].every((output, k) => Math.abs(answer[k] - output) <= check.tolerance);
    if (!near) wrong += 1;
  }
  byId("differs").hidden = wrong === 0;
  if (wrong) byId("differs").textContent = t("differs", wrong, inputs.length);
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function slices(bytes, count) {
  const size = bytes.length / count;
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

// ---- what the page says of itself

function titleOf({ view, card }) {
  const digits = view === "digits" && card.class_names.join("") === "0123456789";
  return view === "digits" && !digits ? "title_draw" : `title_${view}`;
}

// Who answers, from which data, how well: as text, whatever the card says.
function describe({ card, where }) {
  const rows = {
    about_name: card.name,
    about_parameters: number(card.parameters, 0),
    about_data: card.data.title || card.data.dataset,
    about_licence: card.data.licence,
    about_score: scoreOf(card),
    about_created: String(card.created || "").slice(0, 10),
    about_where: t(`where_${where}`),
  };
  const list = document.querySelector("#about dl");
  list.replaceChildren();
  for (const [key, text] of Object.entries(rows)) {
    if (text) list.append(element("dt", t(key)), element("dd", text));
  }
}

function scoreOf({ scores = {}, test_data: { n } = {}, unit }) {
  const about = scores.accuracy !== undefined
    ? ["score_accuracy", percent(scores.accuracy)]
    : ["score_mae", scores.mae !== undefined && measured(scores.mae, unit)];
  if (!about[1]) return t("no_score");
  return n ? t(`${about[0]}_n`, about[1], number(n, 0)) : t(...about);
}

// A regression's answer with its unit; hundreds of thousands of dollars as dollars.
function measured(value, unit) {
  if (unit !== "cientos de miles de dólares") return `${number(value)} ${unit}`;
  return t("dollars", number(100 * Math.round(1000 * value), 0));
}

const progress = {
  said: "",
  say(...said) {
    progress.said = said;
    progress.speak();
  },
  speak() {
    byId("status").textContent = progress.said[0] ? t(...progress.said) : "";
  },
};

// Told to a screen reader, once it has been still for a while.
function announce(text) {
  clearTimeout(announce.waiting);
  announce.waiting = setTimeout(() => (byId("live").textContent = text), 700);
}

// ---- what every view needs

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

// Put a template's content on the page; returns how to find its parts.
function unfold(root, id) {
  root.append(byId(id).content.cloneNode(true));
  speak(root);
  return (selector) => root.querySelector(selector);
}

// A question that may be asked at any time, and is never asked twice at once: what comes while one
// is answered is asked once more afterwards.
function latest(question) {
  let asking = false;
  let again = false;
  return async () => {
    again = true;
    if (asking) return;
    asking = true;
    try {
      while (again) {
        again = false;
        await question();
      }
    } finally {
      asking = false;
    }
  };
}

start();
