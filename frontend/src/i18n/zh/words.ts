export default {
  region: '集群状况（文字）',
  nodes: '节点',
  log: '日志到 {last}，提交到 {committed}',
  votes: '得到 {nodes} 的选票',
  hash: '状态 {hash}',
  slow: '变慢',
  flight: '在途消息：{count} 条。',
  side_decides: '{nodes}：{all} 个中有 {voters} 个，能决定。',
  side_cannot: '{nodes}：{all} 个中有 {voters} 个，不能决定。',
  cut: '{from} 到 {to} 的链路已切断。',
  held: '{from} 到 {to} 的链路扣住消息。',
  links_of: '{node} 的链路',
};
