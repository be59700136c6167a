// Clicks on markers of the plot and on buttons with a data-key become the event 'point' with that key.
const tell = (key) => trigger("point", { key: JSON.parse(key) });

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-key]");
  if (button) tell(button.dataset.key);
});

let bound = null;
function bind() { // the plot is made anew at times, so it is looked for again after every change of the page
  const plot = document.querySelector("#front .js-plotly-plot");
  if (!plot?.on || plot === bound) return;
  bound = plot;
  plot.on("plotly_click", (event) => {
    const data = event.points[0].customdata; // decoded here; in the plot's own data it is not
    if (data) tell(data[0]);
  });
}
new MutationObserver(bind).observe(document.body, { childList: true, subtree: true });
bind();
