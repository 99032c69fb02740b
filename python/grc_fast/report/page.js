const page = document.documentElement.dataset;
const all = Number(page.all);
const views = new Map();

async function draw(figure, specification) {
  const place = document.createElement("div");
  // Expressions are interpreted, so that the page needs no right to evaluate code.
  const options = { actions: false, ast: true, defaultStyle: false, renderer: "svg", tooltip: false };
  const { view } = await vegaEmbed(place, specification, options);
  figure.querySelector(".drawing").replaceChildren(place);
  figure.dataset.live = "";
  // Other charts do not depend on the segment.
  if (specification.params?.some((param) => param.name === page.chosen)) views.set(figure.dataset.chart, view);
}

async function show(segment) {
  await Promise.all([...views.values()].map((view) => view.signal(page.chosen, segment).runAsync()));
}

async function start() {
  const specifications = JSON.parse(document.getElementById("specifications").textContent);
  for (const figure of document.querySelectorAll("figure[data-chart]")) {
    await draw(figure, specifications[figure.dataset.chart]);
  }
  const form = document.getElementById("filter");
  const choices = [...form.querySelectorAll("input")];
  const choose = async (segment) => {
    const choice = choices.find((input) => Number(input.value) === segment);
    if (!choice) return;
    choice.checked = true;
    await show(segment);
    document.getElementById("shown").textContent = choice.dataset.said;
    page.shown = String(segment);
  };
  form.addEventListener("change", (event) => choose(Number(event.target.value)));
  form.addEventListener("submit", (event) => event.preventDefault());
  views.get("segments")?.addEventListener("click", (_, item) => {
    const segment = item?.datum?.segment;
    if (segment !== undefined) choose(Number(page.shown) === segment ? all : segment);
  });
  form.hidden = choices.length < 2;
  // A browser may have kept the choice of an earlier visit.
  await choose(all);
}

start();
