// app/page.tsx: a server component. Its output is there at once; the price changes later, in the browser.
import { Shop } from "./shop.tsx";

export default function Page() {
  return (
    <main>
      <h1>Tea</h1>
      <Shop article="tea" />
    </main>
  );
}
