/**
 * The page that shows the code, in the theme of the demo.
 *
 * @module
 */

import { followFingers } from "./fingers.ts";
import { followTheme } from "./theme.ts";

followTheme();
followFingers();
document.body.dataset.ready = "";
