// What is painted on a page, as data: boxes, words and shapes of the document, and what was drawn on its canvases.
// Loaded before the page's own code, so that it sees every call; window.painted(element) answers with one line an item inside:
//   kind x y width height colours words

(() => {
  const drawn = new WeakMap();
  const PAINTS = ['fill', 'stroke', 'fillRect', 'strokeRect', 'fillText', 'strokeText', 'drawImage'];
  const POINTS = { moveTo: [[0, 1]], lineTo: [[0, 1]], bezierCurveTo: [[4, 5]], quadraticCurveTo: [[2, 3]] };
  const LINES_MAX = 150;
  const context = CanvasRenderingContext2D.prototype;
  const { fillRect, clearRect } = context;

  const pixel = (on, x, y) => {
    const at = on.getTransform().transformPoint({ x, y });
    const ratio = on.canvas.width / (on.canvas.clientWidth || on.canvas.width);
    return [at.x / ratio, at.y / ratio];
  };
  function record(on) {
    if (!drawn.has(on.canvas)) drawn.set(on.canvas, { calls: [], path: [] });
    return drawn.get(on.canvas);
  }
  function spy(name, before) {
    const own = context[name];
    context[name] = function (...given) {
      before(this, given);
      return own.apply(this, given);
    };
  }
  /** What covers everything starts the picture anew. */
  const anew = (on, [, , w, h]) => {
    if (w * h * on.getTransform().a ** 2 >= on.canvas.width * on.canvas.height * 0.9) record(on).calls = [];
  };
  spy('clearRect', anew);
  spy('fillRect', anew);
  spy('beginPath', (on) => (record(on).path = []));
  for (const [name, places] of Object.entries(POINTS)) {
    spy(name, (on, given) => places.forEach(([x, y]) => record(on).path.push(pixel(on, given[x], given[y]))));
  }
  const corners = (x, y, w, h) => [[x, y], [x + w, y + h]];
  spy('arc', (on, [x, y, r]) => corners(x - r, y - r, 2 * r, 2 * r).forEach((at) => record(on).path.push(pixel(on, ...at))));
  for (const name of ['rect', 'roundRect']) {
    spy(name, (on, [x, y, w, h]) => corners(x, y, w, h).forEach((at) => record(on).path.push(pixel(on, ...at))));
  }
  for (const name of PAINTS) {
    spy(name, (on, given) => {
      const text = name.endsWith('Text');
      const here = name.endsWith('Rect') ? corners(...given).map((at) => pixel(on, ...at)) : text ? [pixel(on, given[1], given[2])] : record(on).path;
      const style = name.startsWith('stroke') ? on.strokeStyle : on.fillStyle;
      record(on).calls.push({ name, box: around(here), colour: `${hex(style)}*${on.globalAlpha.toFixed(1)}`, words: text ? given[0] : '' });
    });
  }

  function around(points) {
    if (!points.length) return [0, 0, 0, 0];
    const [xs, ys] = [points.map((one) => one[0]), points.map((one) => one[1])];
    const [x, y] = [Math.min(...xs), Math.min(...ys)];
    return [x, y, Math.max(...xs) - x, Math.max(...ys) - y];
  }
  /** Colours as the browser's own painter tells them, whatever the style sheet calls them. */
  const ink = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const known = new Map();
  function hex(style) {
    if (typeof style !== 'string') return 'pattern';
    if (!known.has(style)) {
      clearRect.call(ink, 0, 0, 1, 1);
      ink.fillStyle = style;
      fillRect.call(ink, 0, 0, 1, 1);
      // Sixteen steps a channel: blending rounds differently from one browser to the next.
      const data = [...ink.getImageData(0, 0, 1, 1).data];
      known.set(style, data[3] < 8 ? '-' : `#${data.slice(0, 3).map((one) => (one >> 4).toString(16)).join('')}`);
    }
    return known.get(style);
  }

  const line = (kind, [x, y, w, h], colours, words) =>
    [kind, ...[x, y, w, h].map(Math.round), colours, words.replace(/\s+/g, ' ').trim()].join(' ').trim();

  /** Many alike are told once: how many, and where they are. */
  function calls(canvas) {
    const { calls: all } = drawn.get(canvas) ?? { calls: [] };
    const [left, top] = [canvas.getBoundingClientRect().left, canvas.getBoundingClientRect().top];
    const shift = ([x, y, w, h]) => [x + left, y + top, w, h];
    if (all.length <= LINES_MAX) return all.map((one) => line(one.name, shift(one.box), one.colour, one.words));
    const groups = new Map();
    for (const one of all) {
      const key = `${one.name} ${one.colour}`;
      groups.set(key, [...(groups.get(key) ?? []), one]);
    }
    return [...groups.values()].map((same) => {
      const box = around(same.flatMap(({ box: [x, y, w, h] }) => [[x, y], [x + w, y + h]]));
      return line(`${same.length}*${same[0].name}`, shift(box), same[0].colour, same[0].words ? `${same[0].words} …` : '');
    });
  }

  const SHAPES = new Set(['circle', 'rect', 'path', 'line', 'polyline', 'polygon', 'ellipse']);
  const painted = (colour) => hex(colour) !== '-';
  function looks(element, style) {
    if (SHAPES.has(element.localName)) return `${hex(style.fill)}/${hex(style.stroke)}${style.strokeDasharray === 'none' ? '' : '~'}`;
    const edge = ['Top', 'Left'].some((side) => parseFloat(style[`border${side}Width`]) > 0 && painted(style[`border${side}Color`]));
    if (!painted(style.backgroundColor) && !edge) return '';
    return `${hex(style.backgroundColor)}/${edge ? hex(style.borderTopColor) : '-'}${/dash|dot/.test(style.borderTopStyle) ? '~' : ''}`;
  }
  function words(element) {
    const own = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).join(' ').trim();
    return own || (element.matches('[role], button, canvas, section, input') ? element.getAttribute('aria-label') ?? '' : '');
  }

  window.painted = (root) => {
    const found = [];
    for (const element of root.querySelectorAll('*')) {
      if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
      const { left, top, width, height } = element.getBoundingClientRect();
      if (width * height === 0 && !SHAPES.has(element.localName)) continue;
      if (element.localName === 'canvas') found.push(...calls(element));
      const style = getComputedStyle(element);
      const [look, text] = [looks(element, style), words(element)];
      if (look || text) found.push(line(element.localName, [left, top, width, height], `${look || '-'},${hex(style.color)},${parseFloat(style.fontSize)}`, text));
    }
    return found;
  };
})();
