export default function ({ data, parentElement }) {
  const figures = data.pictures.map((picture) => make("figure", { className: picture.picked ? "card picked" : "card" }, [
    make("img", { attributes: { src: picture.source, alt: `Thumbnail at ${clock(picture.at)}`, loading: "lazy" } }),
    make("figcaption", {}, [
      make("div", { className: "line" }, [
        timeButton(picture.at),
        ...(picture.picked ? [make("span", { className: "chip green", text: "Picked" })] : []),
        make("a", { text: "Download", attributes: { href: `${picture.source}?download=1`, download: "" } }),
      ]),
      make("span", { className: "quiet wraps", text: picture.reason }),
    ]),
  ]));
  parentElement.querySelector("#root").replaceChildren(make("div", { className: "grid" }, figures));
}
