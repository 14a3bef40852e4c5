import { readAll, readMine } from "my-service-client";

import { service } from "../lib/service";
import { SignOut } from "./sign-out";

export default async function Page() {
  const mine = await readMine({ client: service });
  const all = await readAll({ client: service });
  return (
    <main>
      <output id="mine">{mine.data}</output> <output id="all">{all.error?.code}</output>
      <SignOut />
    </main>
  );
}
