//! How the page looks: on screen, dark or light, and on paper.

/// The page's style sheet. Colours of lines are Okabe and Ito's, which most colour-blind people
/// tell apart; lines differ in their dashes as well.
pub(super) const STYLE: &str = "\
:root{color-scheme:light dark;--bg:#fff;--fg:#1a1d21;--quiet:#5b636d;--line:#d4d8dd;--fault:#e69f00;\
--one:#0072b2;--two:#b34d00;--good:#00674c;--bad:#b00020;--unsure:#7a5200;--soft:#f3f5f7}
@media screen and (prefers-color-scheme:dark){:root{--bg:#14171c;--fg:#e6e8eb;--quiet:#a2aab4;\
--line:#3a414a;--fault:#e69f00;--one:#56b4e9;--two:#ff9d5c;--good:#3fcf9f;--bad:#ff8095;\
--unsure:#f0c14b;--soft:#1e232a}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:1.5rem}
h1{font-size:1.7rem;margin:0 0 .5rem}h2{font-size:1.25rem;margin:2rem 0 .6rem}h3{font-size:1rem}
.quiet{color:var(--quiet)}
.verdict{padding:.6rem .9rem;border-left:.4rem solid;background:var(--soft)}
.verdict strong{text-transform:uppercase;margin-right:.5rem}
.passed,.met{color:var(--good)}.failed,.aborted,.not_met{color:var(--bad)}
.ineffective,.inconclusive,.unknown{color:var(--unsure)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid var(--line)}
td.n,th.n{text-align:right;overflow-wrap:normal;white-space:nowrap}
code{font-family:ui-monospace,monospace;background:var(--soft);padding:.1rem .3rem;overflow-wrap:anywhere}
figure{margin:1rem 0 1.6rem;break-inside:avoid}figcaption{font-weight:600;overflow-wrap:anywhere}
figure p{margin:.2rem 0 0;color:var(--quiet);font-size:.9rem}
svg{display:block;width:100%;height:auto}
svg text{fill:var(--quiet);font:12px system-ui,sans-serif}
svg .strong{fill:var(--fg)}
.grid{stroke:var(--line);stroke-width:1}.axis{stroke:var(--quiet);stroke-width:1}
.fault{fill:var(--fault);fill-opacity:.18}.edge{stroke:var(--fault);stroke-width:1.5;stroke-dasharray:2 3}
.one,.two,.limit{fill:none;stroke-width:2;stroke-linejoin:round}
.one{stroke:var(--one)}.two{stroke:var(--two);stroke-dasharray:6 4}
.limit{stroke:var(--bad);stroke-dasharray:10 3 2 3}
.dot.one{fill:var(--one);stroke:none}.dot.two{fill:var(--two);stroke:none}
.closed{fill:var(--one);fill-opacity:.25}.open{fill:var(--bad);fill-opacity:.45}
.half_open{fill:var(--fault);fill-opacity:.45}
@media print{body{font-size:11pt}main{max-width:none;padding:0}h2{break-after:avoid}tr{break-inside:avoid}\
.fault,.closed,.open,.half_open,.verdict,code{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
";
