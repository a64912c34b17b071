const mounted = new WeakMap();

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector("#root");
  allowances.take(data.limits);
  if (!mounted.has(parentElement)) {
    const drawn = limitList({ isWide: data.is_wide, hasRequests: data.has_requests });
    root.replaceChildren(drawn.list);
    root.classList.toggle("wide", data.is_wide);
    mounted.set(parentElement, allowances.watch(drawn.draw));
  }
  return () => { mounted.get(parentElement)?.(); mounted.delete(parentElement); };
}
