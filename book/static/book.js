// What every page of the book does in the browser: "/" opens the search, the words that
// a search found are marked, answers are open on paper, and a notebook can be saved.
"use strict";

// A pattern for what was typed: white space of any kind, whole beginnings of words.
function pattern(term) {
  const escaped = term.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\s+/g, "\\s+");
  const start = /^[\p{L}\p{N}]/u.test(term) && !/^[\u3400-\u9fff]/.test(term);
  return (start ? "(?<![a-zA-Z0-9])" : "") + escaped;
}

// Marks terms in the page without changing it, and brings the first one after the
// section's heading into view.
function mark(terms) {
  const article = document.querySelector("article.bd-article");
  const walker = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
  const nodes = [], starts = [];
  let text = "";
  while (walker.nextNode()) {
    nodes.push(walker.currentNode);
    starts.push(text.length);
    text += walker.currentNode.data;
  }
  const place = (offset, last) => {
    const k = starts.findLastIndex((start) => (last ? start < offset : start <= offset));
    return [nodes[k], offset - starts[k]];
  };
  const ranges = [...text.matchAll(RegExp(terms.map(pattern).join("|"), "giu"))].map((hit) => {
    const range = new Range();
    range.setStart(...place(hit.index, false));
    range.setEnd(...place(hit.index + hit[0].length, true));
    return range;
  });
  CSS.highlights.set("search", new Highlight(...ranges));
  const section = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const first = ranges.find((range) => (section || article).contains(range.startContainer));
  if (!first) return;
  const shown = first.startContainer.parentElement;
  shown.closest("details")?.setAttribute("open", "");
  if (shown.getBoundingClientRect().bottom > innerHeight) shown.scrollIntoView({ block: "center" });
}

addEventListener("load", () => {
  const terms = new URLSearchParams(location.search).getAll("mark");
  if (terms.length && CSS.highlights) mark(terms);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") CSS.highlights?.delete("search");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea")) return;
  event.preventDefault();
  document.querySelector(".search-button__button")?.click();
});

// The theme takes the focus off a button that was pressed; with a keyboard one needs it.
document.addEventListener("click", (event) => {
  if (event.detail === 0) event.target.closest?.(".theme-switch-button")?.focus();
});

// Paper is white, and answers on it cannot be opened.
addEventListener("beforeprint", () => {
  const root = document.documentElement, theme = root.dataset.theme;
  const opened = [...document.querySelectorAll("details:not([open])")];
  root.dataset.theme = "light";
  opened.forEach((box) => (box.open = true));
  addEventListener("afterprint", () => {
    root.dataset.theme = theme;
    opened.forEach((box) => (box.open = false));
  }, { once: true });
});

// From a disk a browser shows a notebook instead of saving it. There its text comes as
// a script, which calls this.
function saveNotebook(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/x-ipynb+json" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[download]");
  if (!link || location.protocol !== "file:" || !link.href.startsWith("file:")) return;
  event.preventDefault();
  document.head.append(Object.assign(document.createElement("script"), { src: `${link.href}.js` }));
});
