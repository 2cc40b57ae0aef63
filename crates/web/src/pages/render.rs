#![expect(clippy::unwrap_used, reason = "this runs only in tests")]

use tokio::runtime::Builder;
use tokio::task::LocalSet;
use yew::{BaseComponent, LocalServerRenderer};

/// Renders a component. Leaves out `span` elements, which only mark texts that may change.
pub(super) fn render<C: BaseComponent>(props: C::Properties) -> String {
    let runtime = Builder::new_current_thread().build().unwrap();
    let renderer = LocalServerRenderer::<C>::with_props(props).hydratable(false);
    let html = LocalSet::new().block_on(&runtime, renderer.render());
    html.replace("<span>", "").replace("</span>", "")
}
