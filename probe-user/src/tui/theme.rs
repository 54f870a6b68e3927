//! Colours and their stand-ins: what a thing means is told by a role, never by a colour.
//!
//! The hues follow Okabe and Ito's palette for all kinds of colour vision
//! (<https://jfly.uni-koeln.de/color/>), in the nearest of the 256 colours that almost every
//! terminal has. Without colour, roles differ by modifiers; symbols carry the meaning in both.

use ratatui::style::{Color, Modifier, Style};

/// What a piece of the picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Ordinary text.
    Text,
    /// What is there to be found, not to be seen: units, labels, rules, zeros.
    Quiet,
    /// What leads the eye: titles, names.
    Strong,
    /// Where the person is: the focused region, the selected row.
    Here,
    /// It went well.
    Good,
    /// It went wrong.
    Bad,
    /// Injected by us.
    Fault,
    /// To be wary of.
    Warning,
    /// A banner that says it went well.
    GoodBanner,
    /// A banner that says it went wrong.
    BadBanner,
    /// A banner that wants attention.
    LoudBanner,
    /// The bar with the title.
    TitleBar,
}

const GREY: Color = Color::Indexed(245);
const BLUE: Color = Color::Indexed(75);
const GREEN: Color = Color::Indexed(43);
const VERMILLION: Color = Color::Indexed(203);
const ORANGE: Color = Color::Indexed(214);
const YELLOW: Color = Color::Indexed(227);
const BLACK: Color = Color::Indexed(16);
const WHITE: Color = Color::Indexed(231);
const SLATE: Color = Color::Indexed(236);

/// How roles look.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
    color: bool,
}

impl Theme {
    /// With colours, or with modifiers alone.
    pub fn new(color: bool) -> Self {
        Self { color }
    }

    /// How a role looks.
    pub fn style(self, role: Role) -> Style {
        if self.color {
            in_color(role)
        } else {
            Style::new().add_modifier(without_color(role))
        }
    }
}

fn in_color(role: Role) -> Style {
    let style = Style::new();
    match role {
        Role::Text => style,
        Role::Quiet => style.fg(GREY),
        Role::Strong => style.add_modifier(Modifier::BOLD),
        Role::Here => style.fg(BLUE).add_modifier(Modifier::BOLD),
        Role::Good => style.fg(GREEN),
        Role::Bad => style.fg(VERMILLION).add_modifier(Modifier::BOLD),
        Role::Fault => style.fg(ORANGE),
        Role::Warning => style.fg(YELLOW),
        Role::GoodBanner => banner(BLACK, GREEN),
        Role::BadBanner => banner(BLACK, VERMILLION),
        Role::LoudBanner => banner(BLACK, ORANGE),
        Role::TitleBar => banner(WHITE, SLATE),
    }
}

fn banner(text: Color, ground: Color) -> Style {
    Style::new()
        .fg(text)
        .bg(ground)
        .add_modifier(Modifier::BOLD)
}

fn without_color(role: Role) -> Modifier {
    match role {
        Role::Text | Role::Good | Role::Fault => Modifier::empty(),
        Role::Quiet => Modifier::DIM,
        Role::Strong | Role::Here | Role::Warning | Role::Bad => Modifier::BOLD,
        Role::GoodBanner | Role::BadBanner | Role::LoudBanner => {
            Modifier::REVERSED.union(Modifier::BOLD)
        }
        Role::TitleBar => Modifier::REVERSED,
    }
}
