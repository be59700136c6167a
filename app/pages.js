// Pages at the preferences of a grid, see pages.py: the one nearest to the preference is put in place, in the browser.
// Needs the events 'bonesoup:preference' (detail: percentages), 'bonesoup:stopped', and 'bonesoup:changed': what is shown is
// of something else, but for the exact page where the detail is "reopened", and for none where it is "suited".
let now = props.at, name = props.name, kept = new Map();
let stale = false, exactStale = false; // the pages, and the exact one, are of what was given before
let halted = false; // by hand

const key = (at) => at.map((share) => share.toFixed(1)).join("/");
const percent = (at) => at.map((share) => `${Math.round(share)} %`).join(" / ");
const distance = (at) => at.reduce((sum, share, i) => sum + (share - now[i]) ** 2, 0);
const here = (at) => at.length === now.length && distance(at) < 0.01;

function nearest() {
  return props.value.reduce((best, page) => (best && distance(best.at) <= distance(page.at) ? best : page), null);
}

function remark(page, exact, shown) { // why what is shown is not what was asked for; empty where it is
  if (exact) return exactStale ? "Written before your change." : "";
  if (!page) return "";
  if (stale) return "Written before your change.";
  if (!page.parts) {
    const done = props.value.filter((one) => one.parts).length;
    return `${props.stopped || halted ? "Stopped" : "Being written for you"}: ${done} of ${props.value.length} preferences are there.${shown ? " This is from before." : ""}`;
  }
  return here(page.at) ? "" : `This is the text at ${percent(page.at)}, the nearest there is. Write writes at yours.`;
}

function show() {
  if (props.value.some((page) => page.at.length !== now.length)) return; // half of an update to another set
  const exact = props.exact && here(props.exact.at) && (stale || !exactStale);
  const page = exact ? props.exact : nearest();
  const shown = page?.parts ? page : page && kept.get(key(page.at)), words = remark(page, exact, shown);
  const root = element.querySelector(".pages"), note = element.querySelector("[data-note]");
  root.classList.toggle("dimmed", words !== "");
  root.classList.toggle("same", Boolean(shown?.same));
  if (note && note.textContent !== words) note.textContent = words;
  element.querySelectorAll("[data-part]").forEach((place) => {
    const html = shown?.parts[place.dataset.part] ?? "";
    if (place.shown !== html) place.innerHTML = place.shown = html;
  });
  root.pages = props.value; // for blind.js
  root.dispatchEvent(new Event("bonesoup:pages", { bubbles: true }));
}

function keep() {
  if (props.name !== name) kept = new Map();
  name = props.name;
  props.value.forEach((page) => { if (page.parts) kept.set(key(page.at), page); });
}

document.addEventListener("bonesoup:preference", (event) => { now = event.detail; show(); });
document.addEventListener("bonesoup:stopped", () => { halted = true; show(); });
document.addEventListener("bonesoup:changed", (event) => {
  if (event.detail === "suited") return;
  stale = true;
  exactStale = exactStale || event.detail !== "reopened";
  show();
});
element.addEventListener("change", (event) => {
  if (event.target.matches("[data-differences]")) element.querySelector(".pages").classList.toggle("differences", event.target.checked);
});
watch("value", () => { keep(); show(); });
watch("exact", () => { exactStale = false; show(); });
watch("turn", () => { stale = halted = false; show(); });
watch("stopped", show);
keep();
show();
