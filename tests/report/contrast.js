// Every text with its contrast to what lies behind it, by the formula of WCAG 2, as an expression.
(() => {
  const parse = (text) => {
    const parts = (text.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
    return { rgb: parts.slice(0, 3), alpha: parts.length > 3 ? parts[3] : 1 };
  };
  const light = ([r, g, b]) => {
    const linear = [r, g, b].map((c) => {
      const s = c / 255;
      return s <= 0.03928 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const behind = (element) => {
    // The figure of a heat map's cell lies on the rectangle that was drawn just before it.
    if (element.matches("text.cell")) {
      return parse(getComputedStyle(element.previousElementSibling).fill).rgb;
    }
    for (let one = element; one; one = one.parentElement) {
      const ground = parse(getComputedStyle(one).backgroundColor);
      if (ground.alpha === 1) return ground.rgb;
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll("body *")].filter(
    (e) =>
      !["title", "desc", "STYLE"].includes(e.tagName) &&
      [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()),
  );
  const poor = [];
  for (const element of texts) {
    const style = getComputedStyle(element);
    const own = parse(element instanceof SVGElement ? style.fill : style.color).rgb;
    const [high, low] = [light(own), light(behind(element))].sort((a, b) => b - a);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < 4.5) {
      poor.push(`${contrast.toFixed(2)} ${element.className.baseVal ?? element.className} ` +
        element.textContent.trim().slice(0, 40));
    }
  }
  return { checked: texts.length, poor: [...new Set(poor)] };
})()
