export default function ({ data, parentElement }) {
  const link = (one) => make("a", {
    className: `button small ${one.first ? "first" : ""}`, attributes: { href: one.address, download: "" },
  }, [...(one.first ? [icon("download")] : []), make("span", { text: one.name })]);
  const facts = [...data.facts];
  if (data.language) facts.push(["Language", new Intl.DisplayNames(undefined, { type: "language" }).of(data.language)]);
  parentElement.querySelector("#root").replaceChildren(
    make("dl", {}, facts.flatMap(([name, value]) => [
      make("dt", { className: "quiet", text: name }), make("dd", { className: "wraps numbers", text: value }),
    ])),
    ...data.downloads.map((group) => make("div", { className: "group" }, [
      make("span", { className: "quiet", text: group.label }), make("div", { className: "line" }, group.links.map(link)),
    ])),
  );
}
