// What a page is asked for stands in its address, so that it can be kept, sent and gone back to.
const address = (window.backlotAddress ??= {
  read: () => new URLSearchParams(location.search),

  // As Python writes it: with any difference Streamlit would put the same address into the history once more.
  write(params) {
    const encode = (text) => encodeURIComponent(text)
      .replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`).replace(/%20/g, "+");
    const names = [...new Set(params.keys())];
    return names.flatMap((name) => params.getAll(name).map((value) => `${encode(name)}=${encode(value)}`)).join("&");
  },

  // Changes names in the address: a text, several texts, or null for none. Answers the whole of it. `quietly` takes the
  // place of the last entry in the history in place of adding one.
  change(changes, { quietly = false } = {}) {
    const params = this.read();
    for (const [name, value] of Object.entries(changes)) {
      params.delete(name);
      for (const one of [value ?? []].flat()) if (one !== "") params.append(name, one);
    }
    const asked = this.write(params);
    const whole = location.pathname + (asked ? `?${asked}` : "");
    if (asked !== location.search.slice(1)) history[quietly ? "replaceState" : "pushState"]({}, "", whole);
    return asked;
  },

  // Leads to another page of the product without loading anything anew, as going forward in the history does. Python's
  // `st.switch_page` with parameters would leave one more entry behind, and the way back would lead to it.
  open(href) {
    history.pushState({}, "", href);
    dispatchEvent(new PopStateEvent("popstate", { state: history.state }));
  },
});
