// A picture with one point that pointer and arrow keys move. The kernel draws the picture anew; the ring follows at once.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const FASTER = 5; // with the Shift key

function render({ model, el }) {
  const root = document.createElement("div");
  const picture = document.createElement("div");
  const handle = document.createElement("div");
  root.className = "course-drag";
  handle.className = "course-drag-handle";
  handle.tabIndex = 0;
  handle.setAttribute("role", "slider"); // of two dimensions: ARIA knows no nearer word
  handle.dataset.lmSuppressShortcuts = "true"; // arrows would leave the cell otherwise
  root.append(picture, handle);
  el.append(root);

  const view = () => picture.querySelector("svg");

  function moveTo(x, y) {
    const [left, top, right, bottom] = model.get("bounds");
    model.set("x", Math.min(Math.max(x, left), right));
    model.set("y", Math.min(Math.max(y, top), bottom));
    model.save_changes();
  }

  function scenePoint(event) {
    const box = view().getBoundingClientRect();
    const { width, height } = view().viewBox.baseVal;
    return [((event.clientX - box.left) * width) / box.width, ((event.clientY - box.top) * height) / box.height];
  }

  function isInside([x, y]) {
    const [left, top, right, bottom] = model.get("bounds");
    return left <= x && x <= right && top <= y && y <= bottom;
  }

  function placeHandle() {
    if (!view()) return;
    const { width, height } = view().viewBox.baseVal;
    handle.style.left = `${(100 * model.get("x")) / width}%`;
    handle.style.top = `${(100 * model.get("y")) / height}%`;
    const [left, , right] = model.get("bounds");
    handle.setAttribute("aria-label", model.get("label"));
    handle.setAttribute("aria-valuemin", left);
    handle.setAttribute("aria-valuemax", right);
    handle.setAttribute("aria-valuenow", Math.round(model.get("x")));
    handle.setAttribute("aria-valuetext", model.get("text"));
  }

  function showPicture() {
    picture.innerHTML = model.get("value");
    placeHandle();
  }

  root.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !view()) return;
    const point = scenePoint(event);
    if (event.target !== handle && !isInside(point)) return;
    event.preventDefault(); // no selection of text, no dragging of the cell
    handle.focus({ preventScroll: true });
    root.setPointerCapture(event.pointerId);
    moveTo(...point);
  });
  root.addEventListener("pointermove", (event) => {
    if (root.hasPointerCapture(event.pointerId)) moveTo(...scenePoint(event));
  });
  handle.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    if (!arrow || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const step = model.get("step") * (event.shiftKey ? FASTER : 1);
    moveTo(model.get("x") + step * arrow[0], model.get("y") + step * arrow[1]);
  });

  model.on("change:value", showPicture);
  model.on("change:x change:y change:label change:text", placeHandle);
  showPicture();
  return () => {
    model.off("change:value", showPicture);
    model.off("change:x change:y change:label change:text", placeHandle);
  };
}

export default { render };
