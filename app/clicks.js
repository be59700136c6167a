// Clicks on markers of the plot and on buttons with a data-key become the event 'point' with that key; 'reopen' for a text.
function tell(key) {
  const parsed = JSON.parse(key);
  trigger(parsed[0] === "text" ? "reopen" : "point", { key: parsed });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-key]");
  if (button) tell(button.dataset.key);
});
