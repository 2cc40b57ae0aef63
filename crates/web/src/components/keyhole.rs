use yew::prelude::*;

/// Renders the logo, a keyhole.
pub fn keyhole() -> Html {
    html! {
        <svg class="keyhole" viewBox="0 0 24 32" aria-hidden="true" focusable="false">
            <path class="keyhole-plate" d="M12 0a12 12 0 0 1 12 12v8a12 12 0 0 1-24 0v-8A12 12 0 0 1 12 0z" />
            <path class="keyhole-hole" d="M12 7a4.5 4.5 0 0 1 2.2 8.4L16 24H8l1.8-8.6A4.5 4.5 0 0 1 12 7z" />
        </svg>
    }
}

/// Renders a front door as decoration.
pub fn door() -> Html {
    html! {
        <svg class="door" viewBox="0 0 280 400" aria-hidden="true" focusable="false">
            <path class="door-frame" d="M0 400V140a140 140 0 0 1 280 0v260z" />
            <path class="door-light" d="M18 140a122 122 0 0 1 244 0z" />
            <path
                class="door-bar"
                d="M140 140V18M140 140 53.7 53.7M140 140l86.3-86.3M88 140a52 52 0 0 1 104 0"
            />
            <path class="door-leaf" d="M18 152h244v248H18z" />
            <path class="door-panel" d="M44 178h84v92H44zM152 178h84v92h-84z" />
            <path class="door-panel" d="M44 318h84v58H44zM152 318h84v58h-84z" />
            <path class="door-slot" d="M104 288h72v12h-72z" />
            <path
                class="keyhole-plate"
                d="M222 276a11 11 0 0 1 11 11v16a11 11 0 0 1-22 0v-16a11 11 0 0 1 11-11z"
            />
            <path
                class="keyhole-hole"
                d="M222 283.5a4 4 0 0 1 2 7.5l1.8 9.5h-7.6L220 291a4 4 0 0 1 2-7.5z"
            />
        </svg>
    }
}
