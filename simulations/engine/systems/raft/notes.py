"""The sentences in which Raft's servers explain themselves and its checks accuse: each names its rule's section."""

from __future__ import annotations

from simulations.engine.checks import no_lost_ack
from simulations.engine.process import Note

ELECTION_NOTES = {
    "raft.pre_campaign": Note(
        "RD 9.6",
        "no word from a leader: asks who would vote for it in term {term}, without raising its own",
        "没有收到领导者的消息：询问谁愿意在任期 {term} 投票，自己的任期不变",
    ),
    "raft.pre_campaign_lost": Note(
        "RD 9.6", "a majority would not vote for it in term {term}", "多数派不愿在任期 {term} 投票给它"
    ),
    "raft.campaign": Note("RP 5.2", "becomes candidate of term {term}", "成为任期 {term} 的候选人"),
    "raft.campaign_lost": Note(
        "RP 5.2", "a majority refused its vote in term {term}", "多数派在任期 {term} 拒绝投票给它"
    ),
    "raft.elected": Note(
        "RP 5.2",
        "elected leader of term {term} with {votes} {votes|vote|votes}",
        "以 {votes} 票当选任期 {term} 的领导者",
    ),
    "raft.leads_from_start": Note(
        "",
        "leads term {term} from the start, as the experiment says",
        "按实验设定，从一开始就领导任期 {term}",
    ),
    "raft.follows": Note("RP 5.2", "follows {leader} in term {term}", "在任期 {term} 跟随 {leader}"),
    "raft.deposed": Note(
        "RP 5.1",
        "steps down: {by} is in term {term}, it was in {mine}",
        "退位：{by} 的任期是 {term}，自己的是 {mine}",
    ),
    "raft.quorum_lost": Note(
        "RD 6.2",
        "leader of term {term} steps down: no majority answered for an election timeout",
        "任期 {term} 的领导者退位：一个选举超时内没有多数派应答",
    ),
    "raft.vote_granted": Note(
        "RP 5.2", "votes for {candidate} in term {term}", "在任期 {term} 投票给 {candidate}"
    ),
    "raft.vote_refused_term": Note(
        "RP 5.1",
        "no vote for {candidate}: term {term} is behind {mine}",
        "不投 {candidate}：任期 {term} 落后于 {mine}",
    ),
    "raft.vote_refused_voted": Note(
        "RP 5.2",
        "no vote for {candidate}: already voted for {voted_for} in term {term}",
        "不投 {candidate}：任期 {term} 已投给 {voted_for}",
    ),
    "raft.vote_refused_log": Note(
        "RP 5.4.1",
        "no vote for {candidate}: its log ends at {last_index} in term {last_term}, "
        "mine at {my_last_index} in term {my_last_term}",
        "不投 {candidate}：它的日志止于任期 {last_term} 的 {last_index}，"
        "自己的止于任期 {my_last_term} 的 {my_last_index}",
    ),
    "raft.vote_refused_leader": Note(
        "RD 4.2.3",
        "ignores {candidate} in term {term}: {leader} was heard within the minimum election timeout",
        "不理会任期 {term} 的 {candidate}：最小选举超时内刚收到 {leader} 的消息",
    ),
    "raft.pre_vote_granted": Note(
        "RD 9.6", "would vote for {candidate} in term {term}", "愿意在任期 {term} 投票给 {candidate}"
    ),
    "raft.pre_vote_refused_term": Note(
        "RD 9.6",
        "would not vote for {candidate}: term {term} is behind {mine}",
        "不愿投 {candidate}：任期 {term} 落后于 {mine}",
    ),
    "raft.pre_vote_refused_log": Note(
        "RD 9.6",
        "would not vote for {candidate}: its log ends at {last_index} in term {last_term}, "
        "mine at {my_last_index} in term {my_last_term}",
        "不愿投 {candidate}：它的日志止于任期 {last_term} 的 {last_index}，"
        "自己的止于任期 {my_last_term} 的 {my_last_index}",
    ),
    "raft.pre_vote_refused_leader": Note(
        "RD 4.2.3",
        "would not vote for {candidate}: {leader} was heard within the minimum election timeout",
        "不愿投 {candidate}：最小选举超时内刚收到 {leader} 的消息",
    ),
    "raft.transfer": Note(
        "RD 3.10",
        "hands leadership over to {to}; takes no requests meanwhile",
        "把领导权移交给 {to}，期间不接受请求",
    ),
    "raft.transfer_aborted": Note(
        "RD 3.10",
        "{to} did not take over within an election timeout: goes on leading",
        "{to} 未在选举超时内接任：继续领导",
    ),
    "raft.timeout_now": Note(
        "RD 3.10",
        "{leader}, leader of term {term}, asks it to campaign now",
        "任期 {term} 的领导者 {leader} 请它立即竞选",
    ),
}

LOG_NOTES = {
    "raft.append_refused": Note(
        "RP 5.3",
        "append refused: no entry {index} of term {term} (own term there: {my_term}, log ends at {my_last})",
        "拒绝追加：没有任期 {term} 的条目 {index}（该处任期为 {my_term}，日志止于 {my_last}）",
    ),
    "raft.append_refused_term": Note(
        "RP 5.1",
        "append of {leader} refused: term {term} is behind {mine}",
        "拒绝 {leader} 的追加：任期 {term} 落后于 {mine}",
    ),
    "raft.truncated": Note(
        "RP 5.3",
        "entries {index} to {last} give way: entry {index} is of term {term}, the leader's of {leader_term}",
        "条目 {index} 至 {last} 被覆盖：条目 {index} 的任期是 {term}，领导者的是 {leader_term}",
    ),
    "raft.backs_up": Note(
        "RP 5.3",
        "{follower} refused after entry {refused}: tries from {next}",
        "{follower} 拒绝了条目 {refused} 之后的追加：改从 {next} 开始",
    ),
    "raft.follower_lost_log": Note(
        "RP 5.3",
        "{follower} no longer holds entry {match} that it had acknowledged",
        "{follower} 已没有它确认过的条目 {match}",
    ),
    "raft.committed": Note(
        "RP 5.3",
        "entry {index} of term {term} is committed: {copies} {copies|server stores|servers store} it",
        "任期 {term} 的条目 {index} 已提交：{copies} 台服务器存有",
    ),
    "raft.not_committed_old_term": Note(
        "RP 5.4.2",
        "a majority stores entry {index}, but only entries of term {term} (from {start} on) commit by counting",
        "多数派存有条目 {index}，但只有任期 {term} 的条目（从 {start} 起）才能按副本数提交",
    ),
    "raft.duplicate": Note(
        "RD 6.3",
        "operation {sequence} of session {session} was executed before: same answer, no second effect",
        "会话 {session} 的操作 {sequence} 已执行过：返回原结果，不重复执行",
    ),
    "raft.read_waits": Note(
        "RD 6.4",
        "read waits: nothing of this term is committed yet (commit index {commit}, term starts at {start})",
        "读请求等待：本任期尚无条目提交（提交索引 {commit}，本任期从 {start} 开始）",
    ),
}

CHECK_NOTES = {
    "raft.two_leaders": Note(
        "RP 5.2",
        "term {term} has two leaders: {first} and {second}",
        "任期 {term} 有两个领导者：{first} 和 {second}",
        "check",
    ),
    "raft.logs_differ": Note(
        "RP 5.3",
        "two logs hold an entry {index} of term {term}, but differ up to there",
        "两份日志都有任期 {term} 的条目 {index}，但此前的内容不同",
        "check",
    ),
    "raft.leader_lacks": Note(
        "RP 5.4",
        "{leader} leads term {term} without entry {index} (of term {entry_term}), committed in an earlier term",
        "{leader} 领导任期 {term}，却没有此前已提交的条目 {index}（任期 {entry_term}）",
        "check",
    ),
    "raft.applied_differs": Note(
        "RP 5.4.3",
        "{process} applied another history up to entry {index} than a server before it",
        "{process} 应用到条目 {index} 为止的历史与先前的服务器不同",
        "check",
    ),
    "raft.leader_rewrote": Note(
        "RP 5.3",
        "{leader} changed its own log below entry {index} while leading term {term}",
        "{leader} 在领导任期 {term} 时改动了自己日志中条目 {index} 之前的内容",
        "check",
    ),
    "raft.term_fell": Note(
        "RP 5.1",
        "{process} went back from term {before} to {after}",
        "{process} 的任期从 {before} 退回到 {after}",
        "check",
    ),
    "raft.commit_fell": Note(
        "RP 5.3",
        "{process} moved its commit index back from {before} to {after}",
        "{process} 的提交索引从 {before} 退回到 {after}",
        "check",
    ),
    "raft.log_terms_fall": Note(
        "RP 5.3",
        "{process}: entry {index} of term {term} follows one of a higher term, or exceeds its own term {mine}",
        "{process}：任期 {term} 的条目 {index} 之前有更高任期的条目，或超过自己的任期 {mine}",
        "check",
    ),
    "raft.applied_uncommitted": Note(
        "RP 5.3",
        "{process} applied entry {applied}, but its commit index is {commit}",
        "{process} 应用了条目 {applied}，但提交索引只到 {commit}",
        "check",
    ),
    "raft.commit_not_on_majority": Note(
        "RP 5.4",
        "{process} committed entry {index}, which only {copies} of {servers} {servers|server|servers} "
        "{copies|holds|hold}",
        "{process} 提交了条目 {index}，但 {servers} 台服务器中只有 {copies} 台存有",
        "check",
    ),
    "raft.commit_not_durable": Note(
        "RD 10.2.1",
        "{process} committed entry {index}, which is on the disks of only {copies} of "
        "{servers} {servers|server|servers}",
        "{process} 提交了条目 {index}，但 {servers} 台服务器中只有 {copies} 台已落盘",
        "check",
    ),
    "raft.committed_differs": Note(
        "RP 5.4.3",
        "{process} takes another history up to entry {index} for committed than a server before it",
        "{process} 认为已提交的历史，到条目 {index} 为止与先前的服务器不同",
        "check",
    ),
    "raft.leader_behind": Note(
        "RP 5.3",
        "{leader} leads term {term} and has entries up to {last}, but another log holds one of that term at {newest}",
        "{leader} 领导任期 {term}，日志只到 {last}，但另一份日志在 {newest} 处存有该任期的条目",
        "check",
    ),
    "raft.up_to_date_lacks": Note(
        "RP 5.4.1",
        "a log that ends at {last} is as up-to-date as another, but lacks entry {index}, committed by its server",
        "一份止于 {last} 的日志不比另一份旧，却缺少后者的服务器已提交的条目 {index}",
        "check",
    ),
    "raft.states_differ": Note(
        "RP 7",
        "{process} applied the entries up to {index}, but its state is not that of a server before it",
        "{process} 应用到条目 {index}，但状态与先前的服务器不同",
        "check",
    ),
    "raft.partial_snapshot": Note(
        "RP 7",
        "{process} shows a state for entry {index}, after a snapshot, that no server had there",
        "{process} 安装快照后显示的条目 {index} 处的状态，从未在任何服务器上出现过",
        "check",
    ),
}

MEMBERSHIP_NOTES = {
    "raft.configuration_appended": Note(
        "RP 6",
        "appends a configuration as entry {index}, which counts at once: {members}",
        "追加新配置为条目 {index}，立即生效：{members}",
    ),
    "raft.configuration_undone": Note(
        "RD 4.1",
        "the entry with the newest configuration gave way: {members} counts again",
        "最新配置所在的条目被覆盖：恢复为 {members}",
    ),
    "raft.configuration_committed": Note(
        "RP 6",
        "the configuration of entry {index} is committed: {members}",
        "条目 {index} 的配置已提交：{members}",
    ),
    "raft.switched": Note(
        "RP 6",
        "goes over to another configuration on its own, without the log: {members}",
        "不经日志，自行切换到另一配置：{members}",
    ),
    "raft.removed_itself": Note(
        "RD 4.2.2",
        "steps down in term {term}: the configuration without it is committed",
        "在任期 {term} 退位：不含它的配置已提交",
    ),
    "raft.change_refused_arguments": Note(
        "", "membership not changed: {field} is none of {allowed}", "成员未变更：{field} 不属于 {allowed}"
    ),
    "raft.change_refused_stranger": Note(
        "", "membership not changed: there is no server {server}", "成员未变更：没有服务器 {server}"
    ),
    "raft.change_refused_not_leader": Note(
        "RP 6", "membership not changed: only the leader can do that", "成员未变更：只有领导者能变更"
    ),
    "raft.change_refused_nothing": Note(
        "", "membership not changed: {members} stays as it is", "成员未变更：{members} 保持不变"
    ),
    "raft.change_refused_pending": Note(
        "RD 4.1",
        "membership not changed: another change is under way (entry {index})",
        "成员未变更：另一次变更正在进行（条目 {index}）",
    ),
    "raft.change_refused_single": Note(
        "RD 4.1",
        "membership not changed: one server at a time, not {count}",
        "成员未变更：一次只能变更一台，而不是 {count} 台",
    ),
    "raft.change_refused_term": Note(
        "RD 4.1, erratum",
        "membership not changed: nothing of term {term} is committed yet (commit index {commit}, it starts at {start})",
        "成员未变更：任期 {term} 尚无条目提交（提交索引 {commit}，本任期从 {start} 开始）",
    ),
    "raft.promotion_refused": Note(
        "RD 4.2.1",
        "{server} stays a learner: it has entries up to {match} of {last} and has not caught up",
        "{server} 仍是学习者：条目只到 {match}（共 {last}），尚未赶上",
    ),
    "raft.joins": Note(
        "RD 4.2.1",
        "{server} gets the log up to entry {last} before it may vote",
        "{server} 在获得投票权之前先接收到条目 {last} 为止的日志",
    ),
    "raft.catch_up_round": Note(
        "RD 4.2.1",
        "round {round} of catching up took {server} {ms} ms: too long to let it vote",
        "{server} 第 {round} 轮追赶用了 {ms} 毫秒：太久，还不能投票",
    ),
    "raft.learner_caught_up": Note(
        "RD 4.2.1",
        "{server} has caught up in {rounds} {rounds|round|rounds}, the last of {ms} ms",
        "{server} 经 {rounds} 轮赶上，最后一轮 {ms} 毫秒",
    ),
    "raft.joining_given_up": Note(
        "RD 4.2.1", "{server} is not let in: too slow, or silent", "不接纳 {server}：太慢或没有应答"
    ),
}

SNAPSHOT_NOTES = {
    "raft.compacted": Note(
        "RP 7",
        "snapshot of everything up to entry {index}; the log begins at {first} now "
        "({dropped} {dropped|entry|entries} dropped)",
        "为条目 {index} 及之前的状态生成快照；日志现从 {first} 开始（丢弃 {dropped} 条）",
    ),
    "raft.sends_snapshot": Note(
        "RP 7",
        "{follower} needs entries from before {first}, which are gone: sends it the snapshot up to {index}",
        "{follower} 需要的条目在 {first} 之前，已被丢弃：发送截至 {index} 的快照",
    ),
    "raft.snapshot_installed": Note(
        "RP 7",
        "installs the snapshot up to entry {index} ({rows} {rows|row|rows}) in place of its log up to {had}",
        "安装截至条目 {index} 的快照（{rows} 行），取代截至 {had} 的日志",
    ),
}

NOTES = {
    **ELECTION_NOTES,
    **LOG_NOTES,
    **MEMBERSHIP_NOTES,
    **SNAPSHOT_NOTES,
    **CHECK_NOTES,
    **no_lost_ack.NOTES,
}
