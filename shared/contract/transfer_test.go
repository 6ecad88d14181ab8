package contract_test

import (
	"testing"

	"github.com/dyocense/dyocense/shared/contract"
)

func TestEveryTransferMessage(t *testing.T) { // not parallel: TestEveryPinnedFile reads what it may write
	v := contract.Version
	at := contract.Place{Generation: 1, Slot: 42, Chain: "c0ffee"}
	blob := contract.Blob{Hash: "ab12", Size: 7}
	const move, claim = "mov_01m2a4pqwxyzabcdefghjkmnpq.1", int64(3)
	pin(t, "transfer_status", contract.TransferStatus{V: v, Move: move, Claim: claim, Count: true})
	pin(t, "transfer_stand", contract.TransferStand{
		V: v, Role: "standby", Applied: at, Move: move, Claim: claim, Base: at, HandedMove: move, HandedTo: "env_there", HandedAt: 41,
		Collections: []contract.TransferCollection{{Name: "notes", Documents: 9, Bytes: 720}, {Name: "journal", Documents: 42, Journal: true}},
	})
	pin(t, "transfer_begin", contract.TransferBegin{V: v, Move: move, Claim: claim, From: "env_here", To: "env_there"})
	pin(t, "transfer_end", contract.TransferEnd{V: v, Move: move})
	pin(t, "transfer_reached", contract.TransferReached{V: v, Place: at})
	pin(t, "transfer_prepare", contract.TransferPrepare{V: v, Move: move, Claim: claim, Base: at, Replaces: "mov_1.1"})
	pin(t, "transfer_refuse", contract.TransferRefuse{V: v, Moves: []string{"mov_1.1", move}})
	pin(t, "transfer_read", contract.TransferRead{V: v, Collection: "notes", After: "a", To: "z", Limit: 10, Bytes: 1000, Until: &at})
	pin(t, "transfer_read_some", contract.TransferRead{V: v, Collection: "notes", IDs: []string{"a", "b"}})
	pin(t, "transfer_page", contract.TransferPage{V: v, More: true, Tail: at, Blobs: []contract.Blob{blob}})
	pin(t, "transfer_put", contract.TransferPut{V: v, Move: move, Claim: claim, Collection: "notes"})
	pin(t, "transfer_copied", contract.TransferCopied{V: v, Written: 5, Superseded: 1, Bytes: 900})
	pin(t, "transfer_entries", contract.TransferEntries{V: v, After: at, Limit: 10, Bytes: 1000, WaitMillis: 500})
	pin(t, "transfer_apply", contract.TransferApply{V: v, Move: move, Claim: claim})
	pin(t, "transfer_range", contract.TransferRange{V: v, Count: 2, Last: "b", Hash: "ab12", More: true, Tail: at})
	pin(t, "transfer_rows", contract.TransferRows{V: v, Rows: []contract.TransferRow{{ID: "a", Rev: 4, Digest: "ab12"}}, More: true, Tail: at})
	pin(t, "transfer_cut", contract.TransferCut{V: v, Move: move, Claim: claim, BudgetMillis: 80, Have: at, Most: 20})
	pin(t, "transfer_window", contract.TransferWindow{V: v, Tail: at, Blobs: []contract.Blob{blob}})
	pin(t, "transfer_release", contract.TransferRelease{V: v, Move: move})
	pin(t, "transfer_commit", contract.TransferCommit{V: v, Move: move, Claim: claim, Reached: at})
	pin(t, "transfer_open", contract.TransferOpen{V: v, Move: move, Claim: claim})
	pin(t, "transfer_rehearse", contract.TransferRehearse{V: v, Move: move, Claim: claim, Last: 3, WaitMillis: 500})
	pin(t, "transfer_parity", contract.TransferParity{V: v, Done: true, Decisions: []contract.ParityResult{
		{Run: "run_1", Title: "Restock", Same: true, Before: "optimal", After: "optimal"},
	}})
	pin(t, "transfer_carried", contract.TransferCarried{V: v, After: 7, WaitMillis: 1000})
}
