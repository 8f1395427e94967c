(() => {
    // Light or dark: what the reader chose, else what the system says. The cookie tells the server,
    // which draws the charts in the same colours.
    const system = window.matchMedia("(prefers-color-scheme: dark)");
    const applyTheme = () => {
        const theme = localStorage.getItem("theme") || (system.matches ? "dark" : "light");
        document.documentElement.dataset.theme = theme;
        document.cookie = `theme=${theme};path=/;samesite=strict`;
        return theme;
    };
    applyTheme();
    system.addEventListener("change", () => {
        window.dash_clientside.set_props("theme", { data: applyTheme() });
    });

    // The filters' state is the page's address, so that it can be kept and sent to somebody.
    const choose = (field) => {
        const chosen = new FormData(field.form);
        const days = ["from", "to"];
        (days.includes(field.name) ? ["period"] : chosen.get("period") ? days : []).forEach(
            (name) => chosen.delete(name),
        );
        const filled = [...chosen].filter(([, value]) => value !== "");
        window.dash_clientside.set_props("url", { search: `?${new URLSearchParams(filled)}` });
    };

    // A day that is typed passes through others, and an answer to one of those would be written over
    // what is typed: it counts once its field is left, or at Enter. A day that is picked counts at once.
    let typedInto = null;
    let isWaiting = false;
    const finishTyping = () => {
        if (isWaiting) {
            choose(typedInto);
        }
        typedInto = null;
        isWaiting = false;
    };
    document.addEventListener("keydown", (event) => {
        if (event.key === "Enter") {
            finishTyping();
        } else if (event.target.type === "date") {
            typedInto = event.target;
        }
    });
    document.addEventListener("pointerdown", () => {
        typedInto = isWaiting ? typedInto : null;
    });
    document.addEventListener("focusout", finishTyping);
    document.addEventListener("change", (event) => {
        if (event.target.form?.id !== "filters") {
            return;
        }
        if (event.target === typedInto) {
            isWaiting = true;
        } else {
            choose(event.target);
        }
    });

    window.orderhouse = {
        toggleTheme: () => {
            const now = document.documentElement.dataset.theme;
            localStorage.setItem("theme", now === "dark" ? "light" : "dark");
            return applyTheme();
        },
        fillFilters: (search) => {
            const form = document.getElementById("filters");
            const given = new URLSearchParams(search);
            const byHand = given.has("from") || given.has("to");
            const usual = { period: byHand ? "" : form.dataset.usualPeriod, split: "channel" };
            ["period", "channel", "category", "split"].forEach((name) => {
                form.elements[name].value = given.get(name) ?? usual[name] ?? "";
            });
        },
    };
})();
