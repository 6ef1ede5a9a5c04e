"use client";
import { usePrice, useStatus } from "./realtime.tsx";

export function Price({ article }: { article: string }) {
  const price = usePrice(article);
  const status = useStatus();
  return <p aria-busy={status !== "open"}>{price === undefined ? "…" : `${price} €`}</p>;
}
