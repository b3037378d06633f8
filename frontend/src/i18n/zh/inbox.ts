export default {
  tab: '收件箱',
  start: '由您充当网络',
  of: '{node} 的收件箱',
  by_hand: '除非您放行，一切静止：逐条送达、丢弃、复制或推迟消息，并触发定时器。其间时间不流逝。',
  by_itself: '正发往各节点的消息，以及节点的定时器。',
  from: '来自 {from}',
  empty: '没有等待的消息。',
  fire_short: '触发 {timer}',
  fire: '触发 {timer}（{process}）',
};
