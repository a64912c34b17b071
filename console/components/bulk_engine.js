// What is done to many videos at once: asked for, confirmed with what it reaches and leaves out, and answered.
const bulk = (window.backlotBulk ??= {
  KINDS: [["transcribe", "Transcript"], ["analyze", "Analysis"], ["thumbnails", "Thumbnails"], ["clips", "Clips"], ["posts", "Posts"]],

  count: (number) => `${number.toLocaleString("en")} ${number === 1 ? "video" : "videos"}`,

  title({ verb, kind }, count) {
    const videos = this.count(count);
    const made = this.KINDS.find(([id]) => id === kind)?.[1].toLowerCase();
    return { retry: `Try ${videos} again?`, cancel: `Cancel the work on ${videos}?`, again: `Make the ${made} of ${videos} again?` }[verb];
  },

  dialog(say, done) {
    const heading = make("h2");
    const body = make("div", { className: "stack" });
    const actions = make("div", { className: "line end" });
    const element = make("dialog", { attributes: { "aria-labelledby": "bulk-title" } }, [heading, body, actions]);
    heading.id = "bulk-title";
    const button = (className, text, act) => {
      const made = make("button", { className: `button ${className}`, text, attributes: { type: "button" } });
      made.onclick = act;
      return made;
    };
    const left = (skipped) => (skipped.length ? [
      make("p", { className: "quiet", text: "Left out:" }),
      make("ul", { className: "skipped" }, skipped.map(([reason, number]) => make("li", {}, [
        make("span", { className: "strong numbers", text: this.count(number) }), make("span", { text: reason }),
      ]))),
    ] : []);
    let order = null;
    return {
      element,
      ask(asked) {
        order = { ...asked, stamp: crypto.randomUUID?.() ?? String(performance.now()) };
        heading.textContent = `Looking at ${this.count(order.ids.length)}…`;
        body.replaceChildren(make("span", { className: "skeleton" }));
        actions.replaceChildren(button("", "Back", () => element.close()));
        element.showModal();
        say("considered", JSON.stringify(order));
      },
      count: this.count,
      answer: ({ plan, outcome, refused }) => {
        if (refused && order && refused.stamp === order.stamp) {
          heading.textContent = "Not done";
          body.replaceChildren(
            make("p", { text: refused.problem, attributes: { role: "alert" } }), make("p", { className: "quiet", text: "What you selected stays selected." }),
          );
          actions.replaceChildren(button("first", "Close", () => element.close()));
          actions.lastChild.focus();
        }
        if (plan && order && plan.stamp === order.stamp) {
          heading.textContent = plan.count ? this.title(order, plan.count) : "Nothing to do here";
          const what = order.verb === "cancel" ? "What was made so far stays." : "It runs behind what people wait for.";
          body.replaceChildren(
            ...(plan.count ? [make("p", { text: order.verb === "retry" ? "Work goes on where it stopped; what succeeded is kept." : what })] : []),
            ...left(plan.skipped),
          );
          const go = button(order.verb === "cancel" ? "danger" : "first", { retry: "Try again", cancel: "Cancel the work", again: "Make again" }[order.verb], () => {
            for (const one of actions.children) one.disabled = true;
            heading.textContent = "Working…";
            say("confirmed", JSON.stringify(order));
          });
          actions.replaceChildren(button("", plan.count ? "Leave as it is" : "Close", () => element.close()), ...(plan.count ? [go] : []));
          actions.lastChild.focus();
        }
        if (outcome && order && outcome.stamp === order.stamp) {
          heading.textContent = { retry: `${this.count(outcome.done)} tried again`, cancel: `Cancelled: ${this.count(outcome.done)}`, again: `Under way for ${this.count(outcome.done)}` }[order.verb];
          body.replaceChildren(...left(outcome.skipped));
          actions.replaceChildren(button("first", "Close", () => element.close()));
          actions.lastChild.focus();
          order = null;
          done();
        }
      },
    };
  },
});
