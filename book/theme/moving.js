/* Figures that move. A drawing whose <svg> says data-moving="fan" gets a control, named by
   data-label, and a sentence that tells what the picture shows; without this script it
   stands as drawn. What moves is marked data-part in the drawing; tests/site compares the
   drawing with what is drawn here for the value at which it stands. */
"use strict";
(() => {
  const zh = root.lang.startsWith("zh");
  const say = (english, chinese) => (zh ? chinese : english);
  const fixed = (number, digits) => number.toFixed(digits).replace("-", "−");
  const power = (exponent) =>
    "10" + String(Math.round(exponent)).replace(/./g, (c) => "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"["0123456789-".indexOf(c)]);

  const figures = {
    /* Fifty ReLU layers of 512 units: the RMS is f ** k with f = 16 σ. */
    fan: {
      min: -2, max: 0, step: 0.02, value: -1.3,
      draw(part, value) {
        const sigma = 10 ** value, factor = Math.log10(16 * sigma), end = 50 * factor;
        const last = Math.floor(Math.min(50, factor > 0 ? 38.5 / factor : 50));
        const x = (k) => (70 + 9.6 * k).toFixed(1), y = (k) => (180 - 3.5 * k * factor).toFixed(1);
        part("dots").setAttribute("d", [...Array(last + 1).keys()].map((k) => `M${x(k)} ${y(k)}h0`).join(""));
        part("line").setAttribute("d", `M70 180L${x(last)} ${y(last)}`);
        part("end").setAttribute("x", x(last));
        part("end").setAttribute("y", y(last));
        part("end").textContent = last < 50 ? "inf" : Math.abs(end) < 0.5 ? "1" : power(end);
        const start = say(
          `σ = ${sigma.toPrecision(2)}: each layer multiplies by ${(16 * sigma).toPrecision(3)}; `,
          `σ = ${sigma.toPrecision(2)}：每过一层乘以${(16 * sigma).toPrecision(3)}，`);
        if (last < 50)
          return start + say(`layer ${last + 1} no longer fits into 32 bits.`, `到第${last + 1}层已超出32位浮点数的范围。`);
        if (Math.abs(end) < 0.5)
          return start + say("after 50 layers the signal is about as large as before.", "50层之后信号的大小几乎不变。");
        return start + say(
          `after 50 layers the signal is ${power(end)} times as large.`,
          `50层之后信号变为原来的${power(end)}倍。`);
      },
    },
    /* Gradient descent on λ/2 · e²: each step multiplies e by 1 − ηλ. */
    step: {
      min: 0.1, max: 2.2, step: 0.05, value: 1.8,
      draw(part, value) {
        const factor = 1 - value, points = [];
        for (let k = 0, e = -0.9; k <= 12 && Math.abs(e) <= 1.25; k++, e *= factor)
          points.push(`${(310 + 210 * e).toFixed(1)} ${(270 - 150 * e * e).toFixed(1)}`);
        part("path").setAttribute("d", "M" + points.join("L"));
        part("dots").setAttribute("d", points.map((point) => `M${point}h0`).join(""));
        const f = fixed(factor, 2), left = Math.abs(factor) ** 12;
        const start = say(`ηλ = ${fixed(value, 2)}: each step multiplies the distance by ${f}; `,
                          `ηλ = ${fixed(value, 2)}：每一步把距离乘以${f}，`);
        if (Math.abs(factor) < 1e-9) return start + say("one step arrives.", "一步就到达最低点。");
        if (Math.abs(factor) > 1 + 1e-9) return start + say("it goes further away.", "离最低点越来越远。");
        if (Math.abs(factor) > 1 - 1e-9) return start + say("it jumps to and fro for ever.", "永远来回跳动。");
        const rest = left < 0.005 ? "< 0.01" : left.toFixed(2);
        return start + say(`after 12 steps ${rest} of it is left.`, `12步之后剩下原来的${rest}。`);
      },
    },
    /* Parts that are drawn whole, of which one is seen; it tells itself what it says. */
    states: {
      min: 0, step: 1,
      draw(part, value, parts) {
        parts.forEach((state, k) => state.setAttribute("visibility", k === value ? "visible" : "hidden"));
        return parts[value].dataset.says;
      },
    },
  };

  for (const svg of all("svg[data-moving]")) {
    const parts = all("[data-part]", svg), part = (name) => parts.find(({ dataset }) => dataset.part === name);
    const seen = parts.findIndex((state) => state.matches("[visibility=visible]"));
    const { min, max = parts.length - 1, step, value = seen, draw } = figures[svg.dataset.moving];
    const box = make("div", { className: "moving" }), output = make("output", {});
    const label = make("label", { textContent: svg.dataset.label }), two = max === 1;
    const input = make("input", two ? { type: "checkbox", checked: value } : { type: "range", min, max, step, value });
    const move = () => {
      output.value = draw(part, Number(two ? input.checked : input.value), parts);
      if (!two) input.setAttribute("aria-valuetext", output.value);
    };
    input.addEventListener("input", move);
    move();
    label.append(" ", input);
    box.append(label, output);
    svg.after(box);
  }
})();
