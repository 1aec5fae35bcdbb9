/* Figures that move. A drawing whose <svg> says data-moving="fan" gets a control and a
   sentence that tells what the picture shows; without this script it stands as drawn.
   What moves is marked data-part in the drawing; tests/site compares the drawing with
   what is drawn here for the value at which it stands. */
"use strict";
(() => {
  const zh = document.documentElement.lang.startsWith("zh");
  const say = (english, chinese) => (zh ? chinese : english);
  const fixed = (number, digits) => number.toFixed(digits).replace("-", "−");
  const power = (exponent) =>
    "10" + String(Math.round(exponent)).replace(/./g, (c) => "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"["0123456789-".indexOf(c)]);

  const figures = {
    /* Fifty ReLU layers of 512 units: the RMS is f ** k with f = 16 σ. */
    fan: {
      label: say("standard deviation σ", "标准差σ"),
      min: -2, max: 0, step: 0.02, value: -1.08,
      draw(part, value) {
        const sigma = 10 ** value, factor = Math.log10(16 * sigma);
        const y = (exponent) => 180 - 3.5 * exponent;
        const last = Math.floor(Math.min(50, factor > 0 ? 38.5 / factor : 50));
        let dots = "";
        for (let k = 0; k <= last; k++) dots += `M${70 + 9.6 * k} ${y(k * factor).toFixed(1)}h0`;
        part("dots").setAttribute("d", dots);
        part("line").setAttribute("d", `M70 180L${(70 + 9.6 * last).toFixed(1)} ${y(last * factor).toFixed(1)}`);
        part("end").setAttribute("y", (y(last * factor) + 5).toFixed(1));
        part("end").setAttribute("x", (80 + 9.6 * last).toFixed(1));
        part("end").textContent = last < 50 ? "inf" : Math.abs(50 * factor) < 0.5 ? "1" : power(50 * factor);
        const start = say(
          `σ = ${sigma.toPrecision(2)}: each layer multiplies by ${(16 * sigma).toPrecision(3)}; `,
          `σ = ${sigma.toPrecision(2)}：每过一层乘以${(16 * sigma).toPrecision(3)}，`);
        const end = 50 * factor;
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
      label: say("learning rate × curvature", "学习率×曲率"),
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
        if (Math.abs(factor) < 1e-9)
          return start + say("one step arrives.", "一步就到达最低点。");
        if (Math.abs(factor) > 1 + 1e-9)
          return start + say("it goes further away.", "离最低点越来越远。");
        if (Math.abs(factor) > 1 - 1e-9)
          return start + say("it jumps to and fro for ever.", "永远来回跳动。");
        const rest = left < 0.005 ? "< 0.01" : left.toFixed(2);
        return start + say(`after 12 steps ${rest} of it is left.`, `12步之后剩下原来的${rest}。`);
      },
    },
    /* A column of three minus targets of five shapes; green: minus its own target. */
    shapes: {
      label: say("shape of the targets", "目标的形状"),
      min: 0, max: 4, step: 1, value: 2,
      draw(part, value) {
        const [shape, rows, columns, result] = [
          ["(3, 1)", 3, 1, [3, 1]], ["(1,)", 1, 1, [3, 1]], ["(3,)", 1, 3, [3, 3]],
          ["(2,)", 1, 2, [3, 2]], ["(2, 1)", 2, 1, null],
        ][value];
        const grid = (left, height, width, keep = () => true) => {
          let d = "";
          for (let i = 0; i < height; i++)
            for (let j = 0; j < width; j++)
              if (keep(i, j)) d += `M${left + 42 * j} ${90 + 42 * i}h38v38h-38z`;
          return d || "M0 0";
        };
        const own = (i, j) => columns === 1 || i === j;
        part("target").setAttribute("d", grid(210, rows, columns));
        part("ghost").setAttribute("d", result ? grid(210, ...result) : "M0 0");
        part("column").setAttribute("d", result ? grid(50, 3, result[1]) : "M0 0");
        part("own").setAttribute("d", result ? grid(400, ...result, own) : "M0 0");
        part("other").setAttribute("d", result ? grid(400, ...result, (i, j) => !own(i, j)) : "M0 0");
        part("shape").textContent = shape;
        const difference = result ? `(${result.join(", ")})` : say("error", "报错");
        part("difference").textContent = difference;
        const both = `(3, 1) − ${shape}`;
        if (!result) return both + say(": three rows against two. PyTorch refuses.", "：三行对两行，PyTorch会报错。");
        return both + say(
          [": each minus its own, three differences.", ": one target for all, three differences.",
           ": every prediction minus every target, nine differences.",
           ": every prediction minus both targets, six differences."][value],
          ["：各减各的，得到三个差。", "：三个预测减去同一个目标，得到三个差。",
           "：每个预测减去每个目标，得到九个差。", "：每个预测减去两个目标，得到六个差。"][value]);
      },
    },
    /* y = u·v·x at u = v = 2, x = 3, as one parameter and as two. */
    tie: {
      label: say("tied", "绑定"), switch: true, value: 1,
      draw(part, value) {
        part("one").setAttribute("visibility", value ? "visible" : "hidden");
        part("two").setAttribute("visibility", value ? "hidden" : "visible");
        return value
          ? say("Tied: one parameter, whose gradient is 6 + 6 = 12.", "绑定之后只有一个参数，它的梯度是6 + 6 = 12。")
          : say("Untied: two parameters with equal values; each has its own gradient, 6.", "解除绑定之后有两个参数，数值相同，各自的梯度都是6。");
      },
    },
  };

  for (const svg of document.querySelectorAll("svg[data-moving]")) {
    const figure = figures[svg.dataset.moving];
    const part = (name) => svg.querySelector(`[data-part=${name}]`);
    const box = document.createElement("div");
    const label = box.appendChild(document.createElement("label"));
    const input = document.createElement("input");
    const output = box.appendChild(document.createElement("output"));
    box.className = "moving";
    label.append(figure.label, " ", input);
    if (figure.switch) {
      input.type = "checkbox";
      input.checked = Boolean(figure.value);
    } else {
      const { min, max, step, value } = figure;
      Object.assign(input, { type: "range", min, max, step, value });
    }
    const move = () => {
      output.value = figure.draw(part, figure.switch ? Number(input.checked) : Number(input.value));
      if (!figure.switch) input.setAttribute("aria-valuetext", output.value);
    };
    input.addEventListener("input", move);
    move();
    svg.after(box);
  }
})();
