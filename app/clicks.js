// Clicks on markers of the plot and on buttons with a data-key become the event 'point' with that key; 'reopen' for a text.
// What a dropdown holds when it is left, if that is something else than before, becomes 'set', 'view' or, for all others,
// the page's own 'bonesoup:changed': gradio's own 'input' comes twice for a choice, and whenever a dropdown is left.
const BOX = "input[role=combobox]";
let held = "";

function tell(key) {
  const parsed = JSON.parse(key);
  trigger(parsed[0] === "text" ? "reopen" : "point", { key: parsed });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-key]");
  if (button) tell(button.dataset.key);
});

document.addEventListener("keydown", (event) => { // gradio would open the list again once it has been left
  if (event.key === "Tab" && event.target.matches(BOX)) event.stopPropagation();
}, true);
document.addEventListener("focusin", (event) => {
  if (event.target.matches(BOX)) held = event.target.value;
});
document.addEventListener("focusout", (event) => {
  if (!event.target.matches(BOX)) return;
  const box = event.target, before = held;
  setTimeout(() => { // once it shows what was chosen
    if (box.value === before) return;
    const own = box.closest("#set, #view");
    if (own) trigger(own.id);
    else document.dispatchEvent(new CustomEvent("bonesoup:changed"));
  });
});
