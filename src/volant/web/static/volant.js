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

// Pages that show what goes on are told when something changes, read themselves again and swap the parts that differ
const bare = (node) => {
  const copy = node.cloneNode(true);
  for (const time of copy.querySelectorAll("time.ago")) time.textContent = "";
  for (const button of copy.querySelectorAll(".command.ready > button")) button.remove();
  for (const box of copy.querySelectorAll(".command")) box.classList.remove("ready");
  for (const part of [copy, ...copy.querySelectorAll(".fresh")]) {
    part.classList.remove("fresh");
    if (!part.getAttribute("class")) part.removeAttribute("class");
  }
  for (const details of copy.querySelectorAll("details")) details.removeAttribute("open");
  return copy;
};
const parts = (node) => [...node.querySelectorAll("[data-live]")].filter((part) => part.parentElement.closest("[data-live], main") === node);
function skeleton(node) {
  const copy = bare(node);
  for (const part of parts(copy)) part.replaceChildren();
  for (const part of parts(copy)) for (const name of part.getAttributeNames()) if (name !== "data-live") part.removeAttribute(name);
  return copy.outerHTML;
}
const inUse = (node) => {
  const chosen = getSelection();
  if (chosen && !chosen.isCollapsed && node.contains(chosen.anchorNode)) return true;
  const fields = [...node.querySelectorAll("textarea, input, select")];
  return fields.some((field) => field === document.activeElement || (field.tagName !== "SELECT" && field.value !== field.defaultValue));
};
// Swaps what differs; true where something in use was left as it was.
function swap(old, fresh) {
  if (bare(old).outerHTML === bare(fresh).outerHTML) return false;
  const before = parts(old), after = parts(fresh);
  if (before.length && skeleton(old) === skeleton(fresh)) {
    return before.map((part, place) => swap(part, after[place])).some(Boolean);
  }
  if (inUse(old)) return true;
  put(old, fresh);
  return false;
}
function put(old, fresh) {
  const focused = old.contains(document.activeElement) ? nameOf(old, document.activeElement) : null;
  const open = [...old.querySelectorAll("details")].map((details) => details.open);
  const known = new Set(parts(old).map((part) => part.dataset.live));
  const next = document.importNode(fresh, true);
  [...next.querySelectorAll("details")].forEach((details, place) => { if (open[place] && open.length === next.querySelectorAll("details").length) details.open = true; });
  const scrolled = [...old.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
  old.replaceWith(next);
  [...next.querySelectorAll(".scroll")].forEach((box, place) => { box.scrollLeft = scrolled[place] ?? 0; });
  const changed = known.size ? parts(next).filter((part) => !known.has(part.dataset.live)) : [next];
  for (const part of changed) if (part.tagName !== "MAIN") part.classList.add("fresh");
  prepare(next);
  if (focused !== null) focusOn(next, focused)?.focus({ preventScroll: true });
}
// What had the focus is found again by where it leads or what it says.
const reachable = (node) => [...node.querySelectorAll("a[href], button, summary, [tabindex]")];
const said = (item) => `${item.tagName} ${item.getAttribute("href") ?? ""} ${item.textContent.trim()}`;
const nameOf = (node, item) => ({ itself: item === node, said: said(item), place: reachable(node).indexOf(item) });
const focusOn = (node, name) => (name.itself ? node : reachable(node).find((item) => said(item) === name.said) ?? reachable(node)[name.place]);

let asking = false, askAgain = false;
async function refresh() {
  const main = document.querySelector("main[data-refresh]");
  if (document.hidden || !main) return;
  if (asking) { askAgain = true; return; }
  asking = true;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("main");
    if (!fresh) return;
    document.body.dataset.now = page.body.dataset.now;
    started = performance.now();
    const asOf = page.getElementById("as-of");
    if (asOf) document.getElementById("as-of")?.replaceWith(asOf);
    behind = swap(main, fresh);
    tick();
  } catch { /* the server is away; what is shown stays */ } finally {
    asking = false;
    if (askAgain) { askAgain = false; setTimeout(refresh, 1000); }
  }
}
let behind = false; // something in use was left as it was: look again once it is not
document.addEventListener("focusout", () => { if (behind) setTimeout(refresh, 200); });

const live = document.getElementById("live");
function standing(text, away) {
  if (!live) return;
  live.hidden = false;
  live.textContent = text;
  live.classList.toggle("away", away);
}
let source = null, retry = 0, polling = null;
function listen() {
  const main = document.querySelector("main[data-refresh]");
  if (!main || !window.EventSource || source || document.hidden) return;
  source = new EventSource("/events");
  source.addEventListener("hello", (event) => {
    const told = JSON.parse(event.data);
    retry = 0;
    clearInterval(polling);
    polling = null;
    standing("live", false);
    if (told.changed_at >= Number(document.body.dataset.now) || away) refresh();
    away = false;
  });
  source.addEventListener("changed", (event) => {
    const told = JSON.parse(event.data), about = document.querySelector("main[data-refresh]")?.dataset.refresh;
    if (told.any || !about || about in told.changed) refresh();
  });
  source.addEventListener("error", () => {
    away = true;
    standing("not told what changes now", true);
    polling ??= listen();
    if (source.readyState !== EventSource.CLOSED) return; // it tries again by itself
    source = null;
    retry = Math.min(retry + 1, 6);
    setTimeout(listen, 1000 * 2 ** retry);
  });
}
let away = false;
// A page that nobody sees gives its connection back: browsers have only a few for all pages of a server.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) { listen(); return; }
  if (source) { source.close(); source = null; away = true; }
});
addEventListener("pagehide", () => { source?.close(); source = null; });
addEventListener("pageshow", (event) => { if (event.persisted) { away = true; listen(); } });

function prepare(within) {
  offerCopies(within);
  for (const box of within.querySelectorAll(".plot")) watcher.observe(box);
}
nameTheme();
prepare(document);
setInterval(tick, 20000);
listen();
