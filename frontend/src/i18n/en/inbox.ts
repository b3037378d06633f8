export default {
  tab: 'Inboxes',
  start: 'You are the network',
  of: 'Inbox of {node}',
  by_hand: 'Nothing moves unless you let it: deliver, lose, copy or delay each message, and fire each timer. Time stands still meanwhile.',
  by_itself: 'Messages on their way to each node, and its timers.',
  from: 'from {from}',
  empty: 'No message waits.',
  fire_short: 'Fire {timer}',
  fire: 'Fire {timer} of {process}',
};
