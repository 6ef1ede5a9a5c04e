// app/page.tsx: a server component. What it draws is there at once; the price goes on by itself in the browser.
import { Shop } from "./shop.tsx";

export default function Page() {
  return (
    <main>
      <h1>Tea</h1>
      <Shop article="tea" />
    </main>
  );
}
