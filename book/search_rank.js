// How the search finds and ranks. search.py appends this to the index of a language,
// so it comes with the first search: `findSections(query)` gives sections and a pattern to mark.
const ASKS = /是什么|什么[是叫]|what (is|are) /i;
const ASIDE = /怎么样?|怎样|如何|为什么|[吗呢的]|(?<!\S)(how|why|is|are|the|an?|of|do(es)?|to)(?=\s)/gi;
const ENDING = "(?:i[sz](?:e[drs]?|ers|ing|ations?))?(?:ies|y|ing|ed|es|s|e)*";
const COVERED = 2, MOST = 30, NOTHING = /(?!)/;
const text = units.flat(2).join("\n"), words = [...new Set(text.toLowerCase().match(/[a-z]{4,}/g))];

const begins = (word) => (/^\w/.test(word) ? "(?<![a-z0-9])" : "") + word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
const any = (sources, flags = "i") => (sources.length ? RegExp(sources.join("|"), flags) : NOTHING);
const stem = (word) => word.toLowerCase().replace(RegExp(`(?<=..)${ENDING}$`), "");
const forms = (word) => (/^[a-z]+$/i.test(word) ? `${begins(stem(word))}${ENDING}(?![a-z0-9])` : begins(word));
function isSlip(a, b) { // one letter missing, changed or too many, or two exchanged
  let k = 0;
  while (a[k] === b[k]) k++;
  const x = a.slice(k + 1), y = b.slice(k + 1);
  return x === y || x === b.slice(k) || y === a.slice(k) || a[k] + x === y[0] + b[k] + y.slice(1);
}

// A term as patterns: what was typed, in any form (strong), and what means the same (weak).
function term(typed, last) {
  const weak = same.filter((names) => names.some((name) => stem(name) === stem(typed))).flat().map(forms);
  let strong = [forms(typed.replace(/\(\)$/, ""))];
  if (last && /^[a-z]{2}/i.test(typed)) weak.push(begins(typed));
  if (!any([...strong, ...weak]).test(text)) {
    const parts = typed.match(/[a-z0-9]+/gi) || [];
    if (parts.length > 1) return parts.flatMap((part) => term(part));
    if (typed.length > 4) strong = words.filter((word) => isSlip(typed.toLowerCase(), word)).map(forms);
  }
  const all = any([...strong, ...weak]).source;
  return { strong: any(strong), weak: any(weak), all, explained: RegExp(`\\*[a-z ]{0,9}(${all})[a-z ]{0,9}\\*|(${all})（[a-z]`, "i") };
}

// Words and code as they are; Chinese in pairs of characters, or three that the book has.
function termsOf(query) {
  const runs = query.replace(ASKS, " ").replace(ASIDE, " ").match(/[\u3400-\u9fff]+|[^\s\u3400-\u9fff,;，。；、？]+/g) || [query];
  const pieces = runs.flatMap((run) => (run.length === 3 && text.includes(run) ? run
    : run.match(/[\u3400-\u9fff](?=.)/g)?.map((_, k) => run.slice(k, k + 2)) || run));
  return [...new Set(pieces)].flatMap((piece, k, all) => term(piece, k === all.length - 1));
}

// Headings and explanations first; then lessons, pages in depth, solutions.
function rank([url, kind, title, id, heading, ...blocks], terms, asked) {
  const worth = ({ strong, weak }, text) => (strong.test(text) ? 1 : weak.test(text) ? 0.7 : 0);
  const sums = terms.map((sought) => ({ sought, named: 12 * worth(sought, heading), explained: 0, body: 0 }));
  const own = id;
  let at = id, best = 0, shown = ["", ""], most = -1;
  for (const [kind, text, anchor] of blocks) {
    let here = 0;
    id = anchor || id;
    for (const sum of sums) {
      const value = worth(sum.sought, text), explained = value && !kind && sum.sought.explained.test(text) ? asked * value : 0;
      sum.body += value;
      sum.explained = Math.max(sum.explained, explained);
      here += value + explained;
    }
    if (here > best) [best, at] = [here, id];
    if (here > most && kind !== COVERED) [most, shown] = [here, [kind, text]];
  }
  const met = sums.filter((sum) => sum.named || sum.body).length;
  const score = sums.reduce((score, { sought, named, explained, body }) => score + Math.max(named, explained) + Math.min(body, 4) + 4 * worth(sought, title), 8 * met - 5 * kind);
  return { url, title, heading, met, score, shown, id: sums.every(({ named, explained }) => named > explained) ? own : at };
}

globalThis.findSections = (query) => {
  const terms = termsOf(query), asked = ASKS.test(query) ? 24 : 12;
  const ranked = units.map((unit) => rank(unit, terms, asked)), met = Math.max(...ranked.map((found) => found.met));
  const found = ranked.filter((one) => one.met && one.met >= 0.6 * met).sort((a, b) => b.score - a.score);
  return [found.slice(0, MOST), any(terms.map(({ all }) => all), "gi")];
};
