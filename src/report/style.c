/* The style sheet of the pages for people, and the policy that admits it. */
#include "report/style.h"

/* Two columns on a desk, one on a phone. Every state has a shape, a word and a height besides its colour.
 * Text has a contrast of 4.5 to 1 or more, what is drawn 3 to 1. */
static const char SHEET[] =
    ":root{color-scheme:light dark;--page:#f6f6f3;--card:#fff;--ink:#1b1d21;--soft:#555b66;--line:#dbdbd4;"
    "--ok:#17693d;--ok-drawn:#4b9a70;--ok-tint:#e9f4ed;--degraded:#875000;--degraded-drawn:#b97700;"
    "--degraded-tint:#fdf3df;--error:#ad1a16;--error-drawn:#c92a24;--error-tint:#fdebe9;--starting:#4a5768;"
    "--starting-drawn:#858b95;--starting-tint:#eceef2}\n"
    "@media (prefers-color-scheme:dark){:root{--page:#131518;--card:#1b1e23;--ink:#e7e8ea;--soft:#a4abb6;"
    "--line:#32363d;--ok:#7fd0a0;--ok-drawn:#58a87f;--ok-tint:#16271e;--degraded:#f2bd5c;"
    "--degraded-drawn:#d99f36;--degraded-tint:#2c2413;--error:#ff9a92;--error-drawn:#f2655c;"
    "--error-tint:#331a19;--starting:#a9b4c4;--starting-drawn:#737b87;--starting-tint:#20252d}}\n"
    "*{box-sizing:border-box}\n"
    "html{-webkit-text-size-adjust:100%;text-size-adjust:100%}\n"
    "body{margin:0 auto;max-width:76rem;padding:1rem;background:var(--page);color:var(--ink);"
    "font:1rem/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,\"DejaVu Sans\",sans-serif;"
    "overflow-wrap:anywhere}\n"
    "h1,h2,h3,p,ul,dl,dd,figure{margin:0;padding:0}\n"
    "code{font-family:ui-monospace,Menlo,Consolas,\"DejaVu Sans Mono\",monospace;font-size:.9em}\n"
    "time,dd{font-variant-numeric:tabular-nums}\n"
    ".ok{--state:var(--ok);--drawn:var(--ok-drawn);--tint:var(--ok-tint)}\n"
    ".degraded{--state:var(--degraded);--drawn:var(--degraded-drawn);--tint:var(--degraded-tint)}\n"
    ".error{--state:var(--error);--drawn:var(--error-drawn);--tint:var(--error-tint)}\n"
    ".starting{--state:var(--starting);--drawn:var(--starting-drawn);--tint:var(--starting-tint)}\n"
    ".verdict{background:var(--tint);border:1px solid var(--line);border-left:.5rem solid var(--drawn);"
    "border-radius:.4rem;padding:1.25rem 1.25rem 1.1rem}\n"
    ".verdict .brand{color:var(--soft)}\n"
    "h1{color:var(--state);font-size:2rem;line-height:1.2;font-weight:700}\n"
    "h1 .mark{width:1.7rem;height:1.7rem;margin-right:.6rem;vertical-align:-.22rem}\n"
    ".lead{font-size:1.15rem;margin-top:.4rem}\n"
    ".lead bdi{font-weight:600}\n"
    ".notice{margin-top:.6rem;padding-left:.75rem;border-left:.25rem solid var(--degraded-drawn)}\n"
    ".facts{display:flex;flex-wrap:wrap;gap:.15rem 1.5rem;margin-top:.8rem}\n"
    ".facts>div{display:flex;gap:.4rem}\n"
    "dt{flex:none;color:var(--soft)}\n"
    ".mark{flex:none;width:1.15rem;height:1.15rem;fill:var(--state);stroke:var(--state)}\n"
    ".in{fill:none;stroke:var(--card);stroke-width:2.4;stroke-linecap:round;stroke-linejoin:round}\n"
    ".ring{fill:none;stroke-width:2.2;stroke-dasharray:3.2 2.4}\n"
    "h2{font-size:1.1rem;margin:1.6rem 0 .6rem}\n"
    ".tally{color:var(--soft);font-weight:400}\n"
    "ul{list-style:none}\n"
    ".check{display:grid;grid-template-columns:minmax(0,1fr);gap:.35rem "
    "1.5rem;background:var(--card);border:1px solid var(--line);"
    "border-left:.3rem solid var(--drawn);border-radius:.4rem;padding:.9rem 1rem;margin-bottom:.6rem}\n"
    ".state{display:flex;align-items:center;gap:.5rem;color:var(--state);font-weight:700}\n"
    ".name,.changes li{display:flex;flex-wrap:wrap;align-items:baseline;gap:0 .7rem}\n"
    "h3{font-size:1.1rem;line-height:1.35;min-width:0}\n"
    ".kind,.when,figcaption,.legend,footer{color:var(--soft)}\n"
    ".code code{color:var(--state);font-weight:700}\n"
    ".hint{border-left:.2rem solid var(--line);padding-left:.7rem;margin:.35rem 0}\n"
    ".check .facts{margin-top:.3rem;font-size:.95rem}\n"
    ".figures{margin-top:.3rem}\n"
    ".hour{min-width:0}\n"
    ".hour svg{display:block;width:100%;max-width:34rem;height:auto}\n"
    "figcaption{display:flex;justify-content:space-between;gap:.5rem;max-width:34rem;font-size:.8rem;"
    "line-height:1.4}\n"
    ".bar{fill:var(--drawn)}\n"
    ".curve{fill:none;stroke:var(--soft);stroke-width:1.2;stroke-linejoin:round}\n"
    ".frame{fill:none;stroke:var(--line)}\n"
    ".legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;font-size:.9rem;margin-top:.9rem}\n"
    ".legend span{display:inline-flex;align-items:end;gap:.4rem}\n"
    ".legend svg{width:.8rem;height:1.25rem;margin-bottom:.25rem}\n"
    "footer{margin-top:1.4rem;padding-top:.8rem;border-top:1px solid var(--line);font-size:.9rem}\n"
    "@media (min-width:60rem){body{padding:1.5rem}.check{grid-template-columns:7.5rem minmax(0,1fr) 22rem}"
    ".state{align-items:flex-start;line-height:1.4}.state .mark{margin-top:.15rem}}\n"
    "@media print{body{max-width:none;padding:0}.check,.verdict{break-inside:avoid}}\n";

/* The hash is the sheet's; tests/report/test_style.c knows the right one when this is not. */
static const char POLICY[] =
    "default-src 'none'; style-src 'sha256-HOiQtGQw+69P2idtHDJ2QEN4bvLt32dzmgJrlvFVUMg='; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const char *style_page_open(void) {
    return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
           "<meta name=\"color-scheme\" content=\"light dark\">\n";
}

const char *style_page_close(void) {
    return "</footer>\n</body>\n</html>\n";
}

const char *style_sheet(void) {
    return SHEET;
}

const char *style_policy(void) {
    return POLICY;
}
