// Blind rounds, see blind.py. They are drawn from the pages that the columns hold, which tell of every change with the event
// 'bonesoup:pages'. Whose a text is stays in here until one has been chosen: the page then has neither its name nor its colour.
const Z = 1.959964; // of 95 %
const used = new Set(), known = new Set(); // keys of questions that need no asking; texts whose methods have been told
const records = []; // { one, sides, choice }: a method, "tie", or "identical" where both texts are and nothing was asked
let open = null, told = false; // the round { one, sides }: its question, and the sides in the order shown

const part = (name) => element.querySelector(`[data-${name}]`);
const make = (tag, words, attributes = {}) => Object.assign(document.createElement(tag), { textContent: words }, attributes);
const said = (side) => side.text.replace(/\s+/g, " ").trim() || "(empty)";
const identical = (one) => said(one.sides[0]) === said(one.sides[1]);
const pair = (one) => JSON.stringify([one.set, one.sides.map((side) => side.method)]);
const key = (one) => pair(one) + JSON.stringify([one.given, one.preference, one.sides.map(said)]);
const counted = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;
const scores = (side) => {
  const each = Object.entries(side.rewards).map(([label, value]) => `${label} ${value.toFixed(2)}`);
  return each.length ? each : ["could not be scored"];
};

function wilson(wins, rounds) { // the 95 % interval of a share (Wilson 1927)
  const middle = wins + (Z * Z) / 2, half = Z * Math.sqrt((wins * (rounds - wins)) / rounds + (Z * Z) / 4);
  return [middle - half, middle + half].map((end) => Math.min(Math.max(end / (rounds + Z * Z), 0), 1));
}

// Rounds

const columns = () => document.querySelector("#columns .pages"); // they keep what has been read there, also before this was open
const pages = () => columns()?.pages ?? [];
const questions = () => pages().map((page) => page.question).filter(Boolean);

const above = () => [...document.querySelectorAll("#columns .answer")].map((answer) => said({ text: answer.textContent }));

function askable() { // what is left; of texts that are not identical, none whose method is known or can be read above
  const seen = new Set([...known, ...above(), ...[...(columns()?.read ?? [])].map((text) => said({ text }))]);
  const blind = (side) => !seen.has(said(side));
  return questions().filter((one) => !used.has(key(one)) && (identical(one) || one.sides.every(blind)));
}

function draw() {
  open = null;
  told = false;
  for (let left = askable(); left.length && !open; left = askable()) {
    const one = left[Math.floor(Math.random() * left.length)];
    if (identical(one)) {
      used.add(key(one));
      records.push({ one, sides: one.sides, choice: "identical" });
    } else {
      open = { one, sides: Math.random() < 0.5 ? one.sides : [...one.sides].reverse() };
    }
  }
  show();
}

function follow() { // another round, where the open one is no longer blind or no longer of what the page is about
  if (told || (open && askable().some((one) => key(one) === key(open.one)))) return;
  const came = !open && element.contains(document.activeElement);
  draw();
  if (open && came) part("asked").focus();
}

function choose(number) {
  if (!open || told) return;
  const { one, sides } = open, choice = number ? sides[number - 1].method : "tie";
  told = true;
  used.add(key(one));
  sides.forEach((side) => known.add(said(side)));
  records.push({ one, sides, choice });
  show();
  part("told").textContent = number ? `You chose ${sides[number - 1].label}.` : "A tie.";
  part("next").focus();
}

// What is seen

function show() {
  part("round").hidden = !open;
  part("next").hidden = !told;
  part("told").textContent = "";
  part("asked").textContent = open ? `You asked for ${open.one.asked}. Which one?` : "";
  part("given").textContent = open?.one.given ?? "";
  element.querySelectorAll("[data-choice]").forEach((button) => { button.hidden = told; });
  element.querySelectorAll(".blind-text").forEach((card, i) => {
    const side = open?.sides[i], news = told ? [make("b", side.label), ...scores(side).map((score) => make("span", score))] : [];
    card.style.setProperty("--method", told ? side.colour : "");
    card.querySelector("[data-text]").textContent = open ? side.text.trim() || "(empty)" : "";
    card.querySelector("[data-reveal]").replaceChildren(...news);
  });
  part("idle").hidden = Boolean(open);
  part("why").textContent = open ? "" : why();
  part("other").hidden = !questions().length || !document.querySelector("#dice")?.offsetParent;
  showTally();
}

function why() { // there is no round
  if (pages().some((page) => !page.parts)) return "The rounds go on as soon as the next texts have been written.";
  const left = questions().filter((one) => !used.has(key(one))).length;
  const spoilt = `; for ${counted(left, "preference")} you have seen a text beside its method's name`;
  return questions().length
    ? `All that can be asked blindly here has been asked${left ? spoilt : ""}. The rounds go on with another example, or with what you write about.`
    : "A round needs the texts of two methods: choose two above, and what to write about.";
}

function tally(rounds) { // of one set and two methods, the share and its interval for the first
  const { one } = rounds[0], methods = one.sides.map((side) => side.method);
  const count = (choice) => rounds.filter((round) => round.choice === choice).length;
  const [wins, losses] = methods.map(count), decided = wins + losses;
  const share = decided ? wins / decided : null, interval = decided ? wilson(wins, decided) : null;
  return { set: one.set, methods, chosen: [wins, losses], ties: count("tie"), identical: count("identical"), share, interval };
}

function showTally() { // of the set and the methods that the page has, or had last
  const now = open?.one ?? questions()[0] ?? records.at(-1)?.one, mine = records.filter(({ one }) => pair(one) === pair(now));
  part("tally").hidden = !mine.length;
  if (!mine.length) return;
  const { chosen, ties, identical: skipped, share, interval } = tally(mine), [low, high] = interval ?? [0, 0];
  const whole = (value) => Math.round(100 * value), [first, second] = now.sides;
  const decided = interval
    ? `${first.label} was chosen in ${chosen[0]} of ${counted(chosen[0] + chosen[1], "decided round")}, ${whole(share)} % (95 % interval ${whole(low)} to ${whole(high)} %).`
    : "No round has been decided yet.";
  part("sum").textContent = `${decided} ${counted(ties, "tie")}; ${counted(skipped, "preference")} skipped, the texts being identical.`;
  part("share").hidden = !interval;
  part("share").style.setProperty("--method", first.colour);
  part("share").children[0].style = `left: ${100 * low}%; width: ${100 * (high - low)}%`;
  part("share").children[1].style = `left: ${100 * share}%`;
  element.querySelector("caption").textContent = now.title;
  const asked = new Map(mine.map(({ one }) => [one.asked, one.preference]));
  const order = [...asked].sort(([, a], [, b]) => b.map((each, i) => each - a[i]).find(Boolean) ?? 0);
  const line = (tag, scope, [head, ...cells]) => {
    const row = make("tr", "");
    row.append(make("th", head, { scope }), ...cells.map((cell) => make(tag, cell, tag === "th" ? { scope } : {})));
    return row;
  };
  element.querySelector("thead").replaceChildren(line("th", "col", ["asked for", first.label, second.label, "tie", "identical"]));
  element.querySelector("tbody").replaceChildren(...order.map(([words]) => {
    const here = tally(mine.filter(({ one }) => one.asked === words));
    return line("td", "row", [words, ...here.chosen, here.ties, here.identical]);
  }));
}

// Files

const cell = (value) => { // of CSV, and no formula to a spreadsheet, as in history.py
  const text = String(value), inert = /^[\t\r\n]|^\s*[=+\-@＝＋－＠]/.test(text) ? `'${text}` : text;
  return `"${inert.replaceAll('"', '""')}"`;
};

const CONTENTS = {
  csv: () => "\ufeff" + [ // or Excel takes it for another encoding
    ["set", "given", "preference", "choice", ...[1, 2].flatMap((i) => [`method ${i}`, `text ${i}`, `rewards ${i}`])],
    ...records.map(({ one, sides, choice }) => [one.set, one.given, one.preference.map((share) => `${share} %`).join(" / "), choice,
      ...sides.flatMap((side) => [side.method, side.text, scores(side).join(", ")])]),
  ].map((row) => row.map(cell).join(",")).join("\r\n"),
  json: () => JSON.stringify({
    tallies: [...new Set(records.map(({ one }) => pair(one)))].map((each) => tally(records.filter(({ one }) => pair(one) === each))),
    rounds: records.map(({ one, sides, choice }) => ({ set: one.set, given: one.given, preference: one.preference, choice,
      texts: sides.map(({ method, text, rewards }) => ({ method, text, rewards })) })),
  }, null, 1),
};

function save(kind) {
  const address = URL.createObjectURL(new Blob([CONTENTS[kind]()], { type: { csv: "text/csv", json: "application/json" }[kind] }));
  make("a", "", { href: address, download: `bone-soup-rounds.${kind}` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

element.addEventListener("click", (event) => {
  const pressed = event.target.closest("button")?.dataset ?? {};
  if (pressed.choice) choose(Number(pressed.choice));
  if (pressed.file) save(pressed.file);
  if ("next" in pressed) draw();
  if ("other" in pressed) document.querySelector("#dice").click();
  if ("next" in pressed || "other" in pressed) (open ? part("asked") : element.querySelector("section")).focus();
});
element.addEventListener("keydown", (event) => {
  if (["0", "1", "2"].includes(event.key) && !event.ctrlKey && !event.metaKey && !event.altKey) choose(Number(event.key));
});
document.addEventListener("bonesoup:pages", (event) => {
  if (!event.target.closest("#columns")) return;
  follow();
});
draw();
