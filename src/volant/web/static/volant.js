// Everything here is an addition: each page reads and works without it.
"use strict";
const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);

// Theme
function nameTheme() {
  const button = document.getElementById("theme");
  if (!button) return;
  button.hidden = false;
  button.textContent = isDark() ? "Light" : "Dark";
  button.setAttribute("aria-label", `Change to ${isDark() ? "light" : "dark"} colours`);
}
document.addEventListener("click", (event) => {
  if (!event.target.closest("#theme")) return;
  root.dataset.theme = isDark() ? "light" : "dark";
  try { localStorage.setItem("volant-theme", root.dataset.theme); } catch { /* it lasts for this page */ }
  nameTheme();
  redraw();
});
dark.addEventListener("change", () => { nameTheme(); redraw(); });

// Commands can be copied
function offerCopies(within) {
  if (!navigator.clipboard) return;
  for (const box of within.querySelectorAll(".command:not(.ready)")) {
    box.classList.add("ready");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(box.querySelector("code").textContent);
        button.textContent = "Copied";
      } catch { button.textContent = "Select it"; }
      setTimeout(() => { button.textContent = "Copy"; }, 1600);
    });
    box.append(button);
  }
}

// Times grow older while a page stays open
const UNITS = [["y", 31536e3], ["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
function age(seconds) {
  const size = Math.abs(seconds);
  if (size < 5) return "just\u00a0now";
  const [name, unit] = UNITS.find(([, length]) => size >= length);
  const text = `${Math.floor(size / unit)}\u00a0${name}`;
  return seconds > 0 ? `${text}\u00a0ago` : `in\u00a0${text}`;
}
function tick() {
  // The server's clock decides: how long this page has been open is added to what it said.
  const opened = Number(document.body.dataset.now) / 1000;
  const now = opened + performance.now() - started;
  for (const time of document.querySelectorAll("time.ago")) {
    const at = Date.parse(time.dateTime);
    if (!Number.isNaN(at)) time.textContent = age((now - at) / 1000);
  }
}
let started = performance.now();

// Plots are drawn when they come into view
const drawn = new Map();
let library = null;
// The library writes its rules into style elements, which the page's policy refuses to everybody. A constructed sheet holds the
// same rules: the library is given a bare element with such a sheet wherever it asks for a style element.
function offerSheets() {
  const create = document.createElement;
  document.createElement = function (name, ...rest) {
    if (String(name).toLowerCase() !== "style") return create.call(this, name, ...rest);
    const sheet = new CSSStyleSheet();
    document.adoptedStyleSheets.push(sheet);
    return Object.defineProperty(create.call(this, "meta"), "sheet", { value: sheet });
  };
}
function loadLibrary(address) {
  library ??= new Promise((resolve, reject) => {
    offerSheets();
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => reject(new Error("the plots' library could not be loaded"));
    document.head.append(script);
  });
  return library;
}
function themed(box, figure) {
  const style = getComputedStyle(root);
  const colour = (name) => style.getPropertyValue(name).trim();
  const layout = structuredClone(figure.layout);
  layout.font = { ...layout.font, color: colour("--ink"), family: style.getPropertyValue("--text").trim() };
  layout.hoverlabel = { bgcolor: colour("--surface"), bordercolor: colour("--strong-line"), font: { color: colour("--ink") } };
  for (const axis of ["xaxis", "yaxis"]) layout[axis] = { ...layout[axis], gridcolor: colour("--line") };
  if (box.clientWidth < 560) narrow(layout);
  return layout;
}
function narrow(layout) {
  layout.font.size = 11;
  layout.legend = { ...layout.legend, y: -0.28, font: { size: 10 } };
  const suffix = layout.xaxis.ticksuffix;
  if (suffix) layout.xaxis = { ...layout.xaxis, ticksuffix: "", title: { text: suffix.trim() }, tickangle: 0 };
}
async function draw(box) {
  if (drawn.has(box)) return;
  const figure = JSON.parse(document.getElementById(box.dataset.figure).textContent);
  drawn.set(box, figure);
  try {
    const plotly = await loadLibrary(box.dataset.library);
    await plotly.newPlot(box, figure.data, themed(box, figure), { responsive: true, displaylogo: false, displayModeBar: false });
    box.dataset.drawn = "yes";
  } catch (error) {
    box.textContent = `The plot could not be drawn: ${error.message}. The table has the same numbers.`;
  }
}
function redraw() {
  for (const [box, figure] of drawn) if (box.dataset.drawn) window.Plotly.react(box, figure.data, themed(box, figure));
}
const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) { watcher.unobserve(entry.target); draw(entry.target); }
}, { rootMargin: "120px" });
addEventListener("beforeprint", () => { for (const box of document.querySelectorAll(".plot")) draw(box); });

// Pages that show what goes on read themselves again, unless somebody is using them
async function refresh() {
  const main = document.querySelector("main[data-refresh]");
  const busy = document.hidden || !main || main.contains(document.activeElement) || String(getSelection()) !== "";
  if (busy) return;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("main");
    if (!fresh || fresh.innerHTML === main.innerHTML) return;
    document.body.dataset.now = page.body.dataset.now;
    started = performance.now();
    main.replaceWith(fresh);
    prepare(fresh);
  } catch { /* the server is away; what is shown stays */ }
}

function prepare(within) {
  offerCopies(within);
  for (const box of within.querySelectorAll(".plot")) watcher.observe(box);
}
nameTheme();
prepare(document);
setInterval(tick, 20000);
setInterval(refresh, 15000);
