// What every page does in the browser: colours, drawers, search keys, copying and wrapping
// code, predictions, keeping the reader's place. All that it remembers stays on this machine.
"use strict";

const root = document.documentElement, page = document.body.dataset.page;
const words = JSON.parse(document.body.dataset.words);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const say = (key, values) => words[key].replace(/\{(\w*)\}/g, (_, name) => name in values ? values[name] : values.shift());
const make = (tag, properties) => Object.assign(document.createElement(tag), properties);

// A browser may forbid storage; then nothing is remembered.
function recall(key) {
  try { return JSON.parse(localStorage[key] || "{}"); } catch { return {}; }
}
function keep(key, value) {
  try { localStorage[key] = typeof value === "string" ? value : JSON.stringify(value); } catch { /* forbidden */ }
}

// ---- colours: a choice is kept only while it differs from the system's ----
const night = matchMedia("(prefers-color-scheme: dark)"), moon = document.querySelector(".theme");
const isDark = () => (root.dataset.theme || (night.matches ? "dark" : "light")) === "dark";
const showTheme = () => moon.setAttribute("aria-pressed", isDark());
moon.addEventListener("click", () => {
  const theme = isDark() ? "light" : "dark";
  if ((theme === "dark") === night.matches) delete root.dataset.theme;
  else root.dataset.theme = theme;
  keep("theme", root.dataset.theme || "");
  showTheme();
});
night.addEventListener("change", showTheme);
showTheme();

// ---- drawers close when a link in them is followed; search.js brings openSearch ----
addEventListener("click", ({ target }) => {
  if (target.closest(".search")) globalThis.openSearch?.();
  if (target.closest(".drawer a")) all(".drawer:popover-open").forEach((drawer) => drawer.hidePopover());
});
addEventListener("keydown", (event) => {
  const slash = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey;
  const control = event.key === "k" && (event.ctrlKey || event.metaKey);
  if (!(slash && !event.target.closest("input, textarea")) && !control) return;
  event.preventDefault();
  globalThis.openSearch?.();
});

// ---- code: copy, wrap, and scroll by keyboard where it is wider than its place ----
const icon = (path) => `<svg viewBox="0 0 24 24" width="16" height="16" fill="none" stroke="currentColor" stroke-width="2" aria-hidden="true"><path d="${path}"/></svg>`;
const sheets = icon("M9 9h11v11H9zM5 15H4V4h11v1"), tick = icon("m5 13 4 4L19 7"), bent = icon("M3 6h18M3 12h15a3 3 0 0 1 0 6h-4m2-2-2 2 2 2M3 18h6");

function button(label, drawing, act) {
  const made = make("button", { type: "button", innerHTML: drawing, title: label, onclick: act });
  made.setAttribute("aria-label", label);
  return made;
}
function wrap({ currentTarget }) {
  const before = currentTarget.getBoundingClientRect().top;
  keep("wrap", root.classList.toggle("wrap") ? "1" : "");
  measure();
  scrollBy(0, currentTarget.getBoundingClientRect().top - before); // stay at this cell
}
async function copy(text, pressed) {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // a page from a disk may not
    const field = document.body.appendChild(make("textarea", { value: text }));
    field.select();
    document.execCommand("copy");
    field.remove();
    pressed.focus();
  }
  pressed.innerHTML = tick;
  pressed.classList.add("copied");
  setTimeout(() => { pressed.innerHTML = sheets; pressed.classList.remove("copied"); }, 1500);
}
for (const part of all(".in, .out")) {
  const pre = part.querySelector("pre"), number = part.ariaLabel.match(/\d+/)[0];
  if (!pre) continue;
  const tools = part.appendChild(make("div", { className: "tools" }));
  if (part.matches(".in")) tools.append(button(say("copy", [number]), sheets, (event) => copy(pre.textContent, event.currentTarget)));
  tools.append(Object.assign(button(words.wrap, bent, wrap), { hidden: true }));
}
function measure() {
  for (const box of all("pre, .table, div.math")) {
    box.toggleAttribute("tabindex", false);
    if (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight) box.tabIndex = 0;
    const bend = all(".tools button", box.parentElement).at(-1), wrapped = root.classList.contains("wrap");
    if (!bend || box.tagName !== "PRE") continue;
    bend.hidden = !wrapped && box.scrollWidth <= box.clientWidth;
    bend.setAttribute("aria-pressed", wrapped);
  }
}
new ResizeObserver(measure).observe(document.body);

// ---- predictions ----
// What is kept of a cell is the answer, or only that it was opened: then true.
const covers = all("details.covered"), said = recall("predictions");
const mine = (said[page] ??= {}), answered = (id) => typeof mine[id] === "string";
const idOf = (cover) => cover.closest(".cell").id;

function judge(field, answer) {
  const { answer: right, within } = field.dataset, verdict = field.querySelector("[role=status]");
  const agrees = within ? Math.abs(answer - right) <= within : answer === right;
  verdict.textContent = say(agrees ? "agrees" : "differs", { said: answer, answer: right });
  verdict.className = agrees ? "right" : "";
  for (const choice of all("button", field)) choice.setAttribute("aria-pressed", choice.textContent === answer);
}
function count() {
  const asked = covers.map(idOf).filter((id) => document.querySelector(`#${id} .predict`));
  for (const place of all(".progress")) place.textContent = say("progress", [asked.filter(answered).length, asked.length]);
}
function commit(id, answer) {
  if (!answered(id)) mine[id] = answer;
  keep("predictions", said);
  count();
}
for (const cover of covers) {
  const cell = cover.closest(".cell"), field = cell.querySelector(".predict"), input = field?.querySelector("input");
  if (cell.id in mine) cover.open = true;
  if (field && answered(cell.id)) judge(field, mine[cell.id]);
  cover.addEventListener("toggle", () => { measure(); if (cover.open) commit(cell.id, true); });
  const answer = (text) => {
    if (!text || (input && isNaN(text))) return input?.focus();
    commit(cell.id, text);
    judge(field, text);
    cover.open = true;
  };
  const typed = () => answer(input.value.trim().replace(/[,，\s]/g, ""));
  field?.addEventListener("click", ({ target }) => target.tagName === "BUTTON" && (input ? typed() : answer(target.textContent)));
  input?.addEventListener("keydown", ({ key }) => key === "Enter" && typed());
}
count();

// ---- keep the place: sections in the side bar, the other language, the next visit ----
// A place is a block of a cell, "#cell-share.2-3" for the third of three;
// where the other language has another number of blocks there, it is the cell.
const groups = {}, sections = all("#toc a"), language = document.querySelector(".other");
let group = [];
for (const block of all("article :is([id^=cell-], p, li, tr, .math, figure)")) {
  if (block.id.startsWith("cell-")) group = groups[block.id] = [];
  group.push(block);
}
const blocks = Object.values(groups).flat();
const isAbove = (element) => element.getBoundingClientRect().top < 110; // below the bar
function placeOf(block) {
  const [id, group] = Object.entries(groups).find(([, group]) => group.includes(block));
  const at = group.indexOf(block);
  return at ? `${id}.${at}-${group.length}` : id;
}
function follow() {
  const here = blocks.findLast((block) => block.getClientRects().length && isAbove(block));
  const section = here?.closest("section[id]");
  const current = sections.find((link) => link.hash === `#${section?.id}`) || sections[0];
  for (const link of sections) link.toggleAttribute("aria-current", link === current);
  if (language) language.hash = here && scrollY > 200 ? placeOf(here) : "";
  if (page === "index" || !here || scrollY < 200) return;
  keep("place", { page, id: placeOf(here), title: document.querySelector("h1").firstChild.textContent.split(/[:：]/)[0], section: current?.textContent });
}
let waiting;
addEventListener("scroll", () => { waiting ??= requestAnimationFrame(() => { waiting = null; follow(); }); }, { passive: true });
follow();

const place = recall("place"), link = document.querySelector(".continue");
if (link && place.page) {
  const name = [place.title, place.section].filter(Boolean).join(", ");
  link.append(make("a", { href: `${place.page}.html#${place.id}`, textContent: say("continue", [name]) }));
}

// ---- what a link leads to is not covered ----
function arrive() {
  const hash = decodeURIComponent(location.hash.slice(1)), [id, at, count] = hash.split(/\.(\d+)-(\d+)$/);
  const block = groups[id]?.length === Number(count) ? groups[id][at] : null;
  const target = block || document.getElementById(count ? id : hash);
  for (let box = target; (box = box?.parentElement?.closest("details")); ) box.open = true;
  if (count || target?.closest("details")) target?.scrollIntoView();
}
addEventListener("hashchange", arrive);
if (location.hash) arrive();
