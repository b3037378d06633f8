/** What there is one of per session. */

import type { Session } from './session.svelte';

/** The one thing of a session, made when it is first asked for; the same one for every part of the page. */
export function perSession<T>(make: (session: Session) => T): (session: Session) => T {
  const all = new WeakMap<Session, { made: T }>();
  return (session) => {
    const known = all.get(session);
    if (known) return known.made;
    let made!: T;
    // It lives as long as the session, not as the view that asked first: what is derived in it goes on following.
    $effect.root(() => {
      made = make(session);
    });
    all.set(session, { made });
    return made;
  };
}
