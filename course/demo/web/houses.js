"use strict";
// A slider for each column of a table, the network's number, and what it saw in training.

const POSITIONS = 1000; // of a slider

function housesView(root, network, setup) {
  const part = unfold(root, "houses");
  const house = Object.fromEntries(setup.columns.map(({ name, median }) => [name, median]));
  const fields = setup.columns.map((column) => (column.words ? wordField : numberField)(column, changed));
  let price = null;

  function changed(name, value) {
    house[name] = value;
    sayOutside();
    ask();
  }

  const ask = latest(async () => {
    try {
      price = await network.ask({ ...house });
      part(".message").hidden = true;
      sayPrice();
    } catch (error) {
      part(".message").textContent = t("no_answer", error.message);
      part(".message").hidden = false;
    }
  });

  function sayPrice() {
    if (price === null) return;
    part(".big").textContent = measured(price, setup.card.unit);
    part(".sure").textContent = scoreOf(setup.card);
    announce(`${t("price")}: ${measured(price, setup.card.unit)}`);
  }

  function sayOutside() {
    const strange = setup.columns.filter((column) => !wasSeen(column, house[column.name]));
    const names = strange.map(({ name }) => named("column", name).replace(/ \(.*/, "")).join(", ");
    part(".outside").hidden = strange.length === 0;
    part(".outside").textContent = strange.length ? t("outside", names) : "";
  }

  part(".sliders").append(...fields.map((field) => field.row));
  part(".reset").addEventListener("click", () => {
    for (const [i, { name, median }] of setup.columns.entries()) {
      house[name] = median;
      fields[i].set(median);
    }
    sayOutside();
    ask();
  });
  ask();
  return {
    speak() {
      fields.forEach((field) => field.speak());
      sayOutside();
      sayPrice();
    },
  };
}

function wasSeen({ words, minimum, maximum }, value) {
  return words ? words.includes(value) : minimum <= value && value <= maximum;
}

// A column of words, as a list to choose from.
function wordField({ name, words, median }, changed) {
  const [row, label, title, list] = ["div", "label", "span", "select"].map((tag) => element(tag));
  row.className = "slider";
  label.append(title, list);
  row.append(label);
  list.append(...words.map((word) => new Option(word, word)));
  list.value = median;
  list.addEventListener("change", () => changed(name, list.value));
  return {
    row,
    set: (word) => (list.value = word),
    speak() {
      title.textContent = named("column", name);
      for (const option of list.options) option.textContent = named("word", option.value);
    },
  };
}

// A column of numbers: a slider that goes on past what was seen, and a field for the exact value.
function numberField(column, changed) {
  const { name, minimum, maximum, median } = column;
  const scale = scaleOf(column);
  const decimals = decimalsOf(column);
  const [row, label, exact, slider, seen] = ["div", "span", "input", "input", "p"].map((tag) => element(tag));
  row.className = "slider";
  seen.className = "hint";
  Object.assign(exact, { type: "number", step: "any", inputMode: "decimal" });
  Object.assign(slider, { type: "range", min: 0, max: POSITIONS, step: 1 });
  const ends = [minimum, maximum].map((value) => `${(100 * scale.position(value)) / POSITIONS}%`);
  slider.style.setProperty("--from", ends[0]);
  slider.style.setProperty("--to", ends[1]);
  row.append(label, exact, slider, seen);

  let current = median;

  function show(value) {
    current = value;
    exact.value = Number(value.toFixed(decimals));
    slider.value = scale.position(value);
    slider.setAttribute("aria-valuetext", exactly(value, decimals));
    row.classList.toggle("strange", !wasSeen(column, value));
  }

  slider.addEventListener("input", () => {
    const value = Number(scale.value(slider.valueAsNumber).toFixed(decimals));
    show(value);
    changed(name, value);
  });
  exact.addEventListener("change", () => {
    show(Number.isFinite(exact.valueAsNumber) ? exact.valueAsNumber : current);
    changed(name, current);
  });
  show(median);
  return {
    row,
    set: show,
    speak() {
      label.textContent = named("column", name);
      slider.setAttribute("aria-label", named("column", name));
      exact.setAttribute("aria-label", t("value_of", named("column", name)));
      seen.textContent = t("seen", ...[minimum, maximum].map((value) => exactly(value, decimals)));
      slider.setAttribute("aria-valuetext", exactly(current, decimals));
    },
  };
}

// From a slider's position to a value and back. Where most values lie near the lower end, as with
// incomes or inhabitants, equal steps are equal factors.
function scaleOf({ minimum, maximum, median }) {
  const skewed = minimum > 0 && median - minimum < (maximum - minimum) / 8;
  const margin = (maximum - minimum) / 4;
  const low = minimum < 0 ? minimum - margin : Math.max(0, minimum - margin);
  const [from, to] = skewed ? [Math.log(minimum / 2), Math.log(2 * maximum)] : [low, maximum + margin];
  const [bent, straight] = skewed ? [Math.exp, Math.log] : [Number, Number];
  return {
    value: (position) => bent(from + ((to - from) * position) / POSITIONS),
    position: (value) => (POSITIONS * (straight(value) - from)) / (to - from),
  };
}

// Without zeros at the end: 122,97 though three decimals could be shown.
function exactly(value, decimals) {
  const shown = String(Number(value.toFixed(decimals)));
  return number(value, (shown.split(".")[1] || "").length);
}

// Whole numbers stay whole; others get as many decimals as their range needs.
function decimalsOf({ minimum, maximum, median }) {
  if ([minimum, maximum, median].every(Number.isInteger)) return 0;
  return Math.max(0, 3 - Math.floor(Math.log10(maximum - minimum || 1)));
}
