// The search: `openSearch()` opens a dialog that finds while one types, with what
// search.py wrote into _static/index-<language>.js, loaded when it first opens.
// A page that was reached from a result marks what was found.
"use strict";
(() => {
const site = new URL("..", document.currentScript.src), language = root.lang.slice(0, 2);
let dialog, field, status, list;

// A text as HTML: code in <code>, and what was found in <mark>.
const html = (text, pattern) => text.replace(pattern, "\x01$&\x02").replace(/&/g, "&amp;").replace(/</g, "&lt;")
  .replace(/`([^`]*)`?/g, "<code>$1</code>").replace(/\x01/g, "<mark>").replace(/\x02/g, "</mark>");
function extract([kind, text], pattern) {
  const hit = Math.max(0, text.search(pattern)), from = hit < 60 ? 0 : text.slice(0, hit - 40).search(/[^\s，。；]*$/);
  if (kind) return "`" + text.slice(text.lastIndexOf("\n", hit) + 1).split("\n", 3).join("\n");
  const open = text.slice(0, from).split("`").length % 2 ? "" : "`";
  return (from ? "…" : "") + open + text.slice(from, from + 180).replace(/\*/g, "");
}

function show() {
  if (!globalThis.findSections) return;
  const query = field.value.trim(), [found, pattern] = query ? findSections(query) : [[]];
  status.textContent = query && (found.length ? say("found", [found.length]) : words.nothing);
  list.innerHTML = [...Map.groupBy(found, ({ title }) => title)].map(([title, all]) => `<h2>${html(title)}</h2>` + all.map(({ url, id, heading, shown }) =>
    `<a href="${new URL(url, site)}#${encodeURIComponent(id)}"><b>${html(heading, pattern)}</b> <span>${html(extract(shown, pattern), pattern)}</span></a>`).join("")).join("");
  for (const link of all("a", list)) {
    const marked = all("mark", link).map((mark) => mark.textContent);
    link.search = new URLSearchParams([...new Set(marked)].map((word) => ["mark", word]));
  }
}

// Marks what was found, in the page as it is, and shows the first of it after the place.
// The page's text is read in one piece: code is in pieces, a word of it in many.
function mark({ hash, search }) {
  const marked = new URLSearchParams(search).getAll("mark").map((word) => word.replace(/\W/g, (sign) => (sign < "~" ? "\\" : "") + sign));
  const place = marked[0] && document.getElementById(decodeURIComponent(hash.slice(1)));
  if (!place || !CSS.highlights) return;
  const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT), marks = new Highlight();
  const texts = [], starts = [];
  let text = "", first;
  for (let node; (node = walker.nextNode()); text += node.data) [texts[texts.length], starts[starts.length]] = [node, text.length];
  for (const { 0: found, index } of text.matchAll(RegExp(marked.join("|"), "gi"))) {
    const [from, to] = [index, index + found.length - 1].map((at) => starts.findLastIndex((start) => start <= at)), range = new Range();
    range.setStart(texts[from], index - starts[from]);
    range.setEnd(texts[to], index + found.length - starts[to]);
    marks.add(range);
    if (place.compareDocumentPosition(texts[from]) & 20) first ??= range.getClientRects()[0] || {}; // hidden: stay here
  }
  CSS.highlights.set("search", marks);
  if (first?.bottom > innerHeight) scrollBy(0, first.top - innerHeight / 2);
}

function build() {
  dialog = make("dialog", { id: "search", ariaLabel: words.search, innerHTML:
    `<div><input aria-label="${words.search}" placeholder="${words.search}" enterkeyhint="go" autocomplete="off" spellcheck="false"><button aria-label="${words.close}">×</button></div><p role="status"></p><div></div>` });
  [{ firstChild: field }, status, list] = dialog.children;
  field.oninput = show;
  dialog.onclick = (event) => {
    const link = event.target.closest("a"), here = link?.pathname === location.pathname && !event.ctrlKey && !event.metaKey;
    if (here || event.target === dialog || event.target.closest("button")) dialog.close();
    if (!here) return;
    event.preventDefault();
    location.hash = link.hash;
    mark(link);
  };
  dialog.onkeydown = (event) => {
    const { key } = event, stops = [field, ...all("a", list)], at = stops.indexOf(document.activeElement);
    if (event.isComposing) return;
    if (key === "ArrowDown" || key === "ArrowUp") {
      event.preventDefault();
      stops[at + (key === "ArrowDown" ? 1 : -1)]?.focus();
    } else if (key === "Enter" && !at) stops[1]?.click();
    else if (key.length === 1 && !event.ctrlKey && !event.metaKey) field.focus();
  };
  const script = make("script", { src: new URL(`_static/index-${language}.js`, site), onload: show });
  document.body.append(dialog, script);
}

globalThis.openSearch = () => {
  if (!dialog) build();
  if (!dialog.open) dialog.showModal();
  field.select();
};
addEventListener("load", () => mark(location));
})();
