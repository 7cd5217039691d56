use maud::{DOCTYPE, Markup, html};
use runmill_proto::{RunId, Tenant};

use crate::{
    assets,
    text::{cut, one_line, plain, shown},
    url,
    viewer::Viewer,
};

/// A page without its frame.
pub struct Page {
    /// Name of the page, as the browser's tab shows it.
    pub title: String,
    pub place: Place,
    pub live: Option<Live>,
    /// Modules that the page needs beside those of every page.
    pub modules: &'static [&'static str],
    pub body: Markup,
}

/// Entry of the navigation to which a page belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Runs,
    NewRun,
    Compare,
    Providers,
    /// The page belongs to none.
    Elsewhere,
}

/// Way in which a page is kept up to date: its regions are replaced by those of `url`.
pub struct Live {
    pub url: String,
    pub when: Refresh,
}

pub enum Refresh {
    /// At events of all runs, or of this one.
    AtEvents(Option<RunId>),
    /// Every two seconds, as executors report.
    Regularly,
}

impl Live {
    /// The page at `url` follows the events of all runs.
    pub fn runs(url: String) -> Self {
        Self { url, when: Refresh::AtEvents(None) }
    }

    /// The page at `url` follows the events of one run.
    pub fn run(url: String, id: RunId) -> Self {
        Self { url, when: Refresh::AtEvents(Some(id)) }
    }

    /// The page at `url` shows what executors report.
    pub fn regular(url: String) -> Self {
        Self { url, when: Refresh::Regularly }
    }

    fn run_id(&self) -> Option<RunId> {
        match self.when {
            Refresh::AtEvents(run) => run,
            Refresh::Regularly => None,
        }
    }

    const fn kind(&self) -> &'static str {
        match self.when {
            Refresh::AtEvents(_) => "events",
            Refresh::Regularly => "regular",
        }
    }
}

impl Page {
    /// Returns a page that is static.
    pub fn fixed(title: impl Into<String>, place: Place, body: Markup) -> Self {
        Self { title: title.into(), place, live: None, modules: &[], body }
    }

    /// Returns the whole document. `viewer` is `None` for a page before the sign-in.
    pub fn document(&self, viewer: Option<&Viewer>) -> Markup {
        let live = self.live.as_ref();
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (plain(&cut(&self.title, 80))) " · runmill" }
                    link rel="icon" type="image/svg+xml" href=(assets::url("icon.svg"));
                    @for style in ["style.css", "layout.css", "table.css", "chart.css"] {
                        link rel="stylesheet" href=(assets::url(style));
                    }
                    script type="module" src=(assets::url("forms.js")) {}
                    @if live.is_some() { script type="module" src=(assets::url("live.js")) {} }
                    @for module in self.modules { script type="module" src=(assets::url(module)) {} }
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    header.bar {
                        a.brand href=(url::RUNS) { (mark()) span { "runmill" } }
                        @if let Some(viewer) = viewer { (navigation(self.place, viewer)) (account(viewer)) }
                    }
                    main id="main" tabindex="-1"
                        data-live=[live.map(Live::kind)] data-url=[live.map(|live| &live.url)]
                        data-run=[live.and_then(Live::run_id)]
                        { (self.body) }
                    footer.foot {
                        span { "Times are in UTC." }
                        @if live.is_some() {
                            span #connection role="status" data-state="off" { "Reload the page for newer numbers." }
                        }
                        a href="/docs" { "API" }
                    }
                }
            }
        }
    }
}

fn navigation(here: Place, viewer: &Viewer) -> Markup {
    let entries = [
        (Place::Runs, url::RUNS, "Runs"),
        (Place::Compare, url::COMPARE, "Compare"),
        (Place::Providers, url::PROVIDERS, "Providers"),
        (Place::NewRun, url::NEW_RUN, "New run"),
    ];
    let is_shown = |place: Place| place != Place::NewRun || viewer.may_steer();
    html! {
        nav.pages aria-label="Pages" {
            @for (place, href, name) in entries.into_iter().filter(|(place, ..)| is_shown(*place)) {
                a href=(href) aria-current=[(place == here).then_some("page")] { (name) }
            }
        }
    }
}

fn account(viewer: &Viewer) -> Markup {
    html! {
        div.account {
            span title="the token with which you signed in, and its role" {
                (one_line(&viewer.name, 40)) " · " (viewer.role)
                @if let Some(tenant) = viewer.tenant.as_ref().filter(|tenant| tenant.as_str() != Tenant::DEFAULT) {
                    " · " (shown(tenant.as_str()))
                }
            }
            form method="post" action=(url::SIGN_OUT) { button.plain type="submit" { "Sign out" } }
        }
    }
}

/// Mark beside the name: a mill's wheel of bars.
fn mark() -> Markup {
    html! {
        svg.mark viewBox="0 0 16 16" width="18" height="18" aria-hidden="true" {
            rect x="1" y="8" width="3" height="7" rx="1" {}
            rect x="6.5" y="4" width="3" height="11" rx="1" {}
            rect x="12" y="1" width="3" height="14" rx="1" {}
        }
    }
}
