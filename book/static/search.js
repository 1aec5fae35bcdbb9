// The search page: looks for what was typed in the sections of the book (sections.js).
"use strict";

const ENOUGH = 8; // sections, before a query is read freely
const HAN = /([\u3400-\u9fff]+)/;
const field = document.querySelector(".bd-search-container input[name=q]");
const list = document.getElementById("search-results");
const status = document.getElementById("search-status");

// A query is read more and more freely: as one phrase, as words, and as beginnings of
// words and pairs of Chinese characters, of which a section need not have all.
function readings(query) {
  const words = query.split(/[\s,;，。；、]+/).filter(Boolean);
  const parts = words.flatMap((word) => word.split(HAN).filter(Boolean)).flatMap((run) => {
    if (HAN.test(run)) {
      return run.length > 2 ? [...run].slice(1).map((_, k) => run.slice(k, k + 2)) : [run];
    }
    return [run.length > 5 ? run.replace(/(ations?|ing|ers?|ed|es|e|s)$/i, "") : run];
  });
  return [[query], words, parts].map((terms) => [...new Set(terms)]);
}

function find(query) {
  const found = new Map(); // section: [terms, score]
  readings(query).forEach((terms, freedom) => {
    if (freedom === 2 && found.size >= ENOUGH) return;
    const needed = freedom < 2 ? terms.length : Math.ceil(0.6 * terms.length);
    const patterns = terms.map((term) => RegExp(pattern(term), "giu"));
    for (const section of SECTIONS) {
      if (found.has(section)) continue;
      const [, , , heading, text] = section;
      const hits = patterns.map((p) => (text.match(p) || []).length + 5 * (heading.match(p) || []).length);
      const met = hits.filter(Boolean).length;
      if (met < needed) continue;
      const times = Math.min(99, hits.reduce((a, b) => a + b));
      const score = 100 * met + times - (section[0] === "index.html" ? 50 : 0); // lessons first
      found.set(section, [terms, score - 10000 * freedom]);
    }
  });
  const best = [...found].sort(([, [, a]], [, [, b]]) => b - a);
  const strict = best.filter(([, [, score]]) => score > -10000).length;
  return best.slice(0, Math.max(strict, ENOUGH));
}

// Appends text to an element, what fits the terms in <mark>.
function append(element, text, terms) {
  let end = 0;
  for (const hit of text.matchAll(RegExp(terms.map(pattern).join("|"), "giu"))) {
    const marked = Object.assign(document.createElement("mark"), { textContent: hit[0] });
    element.append(text.slice(end, hit.index), marked);
    end = hit.index + hit[0].length;
  }
  element.append(text.slice(end));
  return element;
}

function extract(text, terms) {
  const hit = Math.max(0, text.search(RegExp(terms.map(pattern).join("|"), "iu")));
  const length = HAN.test(text.slice(hit, hit + 80)) ? 110 : 220;
  let start = Math.max(0, hit - length / 3);
  if (start > 0) start = Math.min(hit, text.indexOf(" ", start) + 1 || start);
  const end = start + length;
  return (start > 0 ? "… " : "") + text.slice(start, end) + (end < text.length ? " …" : "");
}

function show() {
  const query = field.value.trim();
  const results = query ? find(query) : [];
  const { found, none } = list.dataset;
  status.textContent = query && (results.length ? found.replace("{}", results.length) : none);
  list.replaceChildren(
    ...results.map(([[page, title, id, heading, text], [terms]]) => {
      const item = document.createElement("li"), link = document.createElement("a");
      const marks = terms.map((term) => `mark=${encodeURIComponent(term)}`).join("&");
      link.href = `${page}?${marks}#${encodeURIComponent(id)}`;
      append(link, heading, terms);
      item.append(link);
      if (title !== heading) {
        item.append(Object.assign(document.createElement("span"), { className: "page", textContent: title }));
      }
      item.append(append(document.createElement("p"), extract(text, terms), terms));
      return item;
    }),
  );
}

field.value = new URLSearchParams(location.search).get("q") || "";
field.addEventListener("input", show);
field.focus();
show();
