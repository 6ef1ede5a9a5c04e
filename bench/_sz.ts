import { CLIENT_PAGE, measureBundles } from "./client_bundle.ts";
console.log(await measureBundles([CLIENT_PAGE]));
